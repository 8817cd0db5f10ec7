"""``headrace trigger skip``."""

from __future__ import annotations

import click

from headrace.cli.commands.trigger._requests import request_for_arrivals
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options


@click.command
@click.argument("name", metavar="TRIGGER", shell_complete=completion.triggers)
@click.argument("patterns", metavar="ARRIVAL...", nargs=-1, required=True)
@project_options
def skip_command(name: str, patterns: tuple[str, ...]) -> int:
    """Have no runs started on arrivals.

    Takes arrivals of TRIGGER that wait or were refused; ARRIVAL is a name or a pattern.
    `headrace trigger run` has them started after all.
    """
    from headrace.triggers import skip_arrivals
    from headrace.triggers.ledger_requests import is_skippable

    return request_for_arrivals(
        name,
        patterns,
        is_skippable,
        skip_arrivals,
        "will not be started",
        "waits or is refused and has such a name",
    )
