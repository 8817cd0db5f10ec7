"""``headrace trigger replay``."""

from __future__ import annotations

import click

from headrace.cli.commands.trigger._requests import request_for_arrivals
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options


@click.command
@click.argument("name", metavar="TRIGGER", shell_complete=completion.triggers)
@click.argument("patterns", metavar="ARRIVAL...", nargs=-1, required=True)
@project_options
def replay_command(name: str, patterns: tuple[str, ...]) -> int:
    """Start runs again on arrivals that had theirs.

    Takes arrivals of TRIGGER that are still there; ARRIVAL is a name or a pattern. The watch that
    is running, or the next one, starts the runs. The earlier runs stay as they are.
    """
    from headrace.triggers import replay_arrivals
    from headrace.triggers.ledger_requests import is_repeatable

    return request_for_arrivals(
        name,
        patterns,
        is_repeatable,
        replay_arrivals,
        "will be started again by the watch that is running, or the next one",
        "is there, had its run and has such a name",
    )
