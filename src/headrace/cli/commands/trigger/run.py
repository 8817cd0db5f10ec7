"""``headrace trigger run``."""

from __future__ import annotations

import click

from headrace.cli.commands.trigger._requests import request_for_arrivals
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options


@click.command
@click.argument("name", metavar="TRIGGER", shell_complete=completion.triggers)
@click.argument("patterns", metavar="ARRIVAL...", nargs=-1, required=True)
@project_options
def run_command(name: str, patterns: tuple[str, ...]) -> int:
    """Start runs on arrivals now, complete or not.

    Takes arrivals of TRIGGER that are there and have no run, also those that were skipped or
    refused; ARRIVAL is a name or a pattern. The watch that is running, or the next one, starts
    them. To start one at once without a watch: `headrace start --trigger TRIGGER PATH`.
    """
    from headrace.triggers import request_runs
    from headrace.triggers.ledger_requests import is_startable

    return request_for_arrivals(
        name,
        patterns,
        is_startable,
        request_runs,
        "will be started by the watch that is running, or the next one",
        "is there without a run and has such a name",
    )
