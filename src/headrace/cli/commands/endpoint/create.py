"""``headrace endpoint create``."""

from __future__ import annotations

import click

from headrace.cli.commands.endpoint._common import display_change
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current


@click.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completion.endpoints)
@project_options
def create_command(name: str) -> None:
    """Create ENDPOINT on this machine from its template and options.

    It will run as your own `globus-compute-endpoint`, limited to the deployed functions.
    """
    from headrace.endpoints import lifecycle

    session = current()
    project = session.project()
    services = session.services(project)
    made = lifecycle.create(project, name, session.target, services)
    display_change(
        name, "created", f"{made.directory}\nStart it with `headrace endpoint start {name}`."
    )
