"""``headrace endpoint start``."""

from __future__ import annotations

import click

from headrace.cli.commands.endpoint._several import change_endpoints, created_here, names_argument
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current


@click.command
@names_argument
@project_options
def start_command(names: tuple[str, ...]) -> int:
    """Start each ENDPOINT in the background, unless it is running.

    Without names: all of the project that were created on this machine.
    """
    from headrace.endpoints import lifecycle

    session = current()
    project = session.project()

    def start(name: str) -> tuple[str, str]:
        started = lifecycle.start(project, name, session.target, session.services(project))
        return "started" if started else "was running", ""

    return change_endpoints(names, lambda: created_here(project), start)
