"""``headrace trigger retry``."""

from __future__ import annotations

import click

from headrace.cli.commands.trigger._requests import request_for_arrivals
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options


@click.command
@click.argument("name", metavar="TRIGGER", shell_complete=completion.triggers)
@click.argument("patterns", metavar="[ARRIVAL]...", nargs=-1)
@project_options
def retry_command(name: str, patterns: tuple[str, ...]) -> int:
    """Try refused arrivals again.

    Fix the cause first. Retries all refused arrivals of TRIGGER, or those whose names match the
    patterns. The watch that is running, or the next one, starts their runs.
    """
    from headrace.triggers import retry_refused
    from headrace.triggers.ledger_requests import is_refused

    return request_for_arrivals(
        name,
        patterns,
        is_refused,
        retry_refused,
        "will be started by the watch that is running, or the next one",
        "is refused",
    )
