"""``headrace endpoint start``."""

from __future__ import annotations

import click

from headrace.cli.commands.endpoint._common import display_change
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current


@click.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completion.endpoints)
@project_options
def start_command(name: str) -> None:
    """Start ENDPOINT in the background, unless it is running."""
    from headrace.endpoints import lifecycle

    session = current()
    project = session.project()
    started = lifecycle.start(project, name, session.target, session.services(project))
    display_change(name, "started" if started else "was running")
