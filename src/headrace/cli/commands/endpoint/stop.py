"""``headrace endpoint stop``."""

from __future__ import annotations

import click

from headrace.cli.commands.endpoint._common import display_change
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current


@click.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completion.endpoints)
@project_options
def stop_command(name: str) -> None:
    """Stop ENDPOINT with its workers and batch jobs; queued tasks wait for a restart."""
    from headrace.endpoints import lifecycle

    session = current()
    stopped = lifecycle.stop(session.project(), name, session.target)
    display_change(name, "stopped" if stopped else "was not running")
