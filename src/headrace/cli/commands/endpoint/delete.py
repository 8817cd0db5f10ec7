"""``headrace endpoint delete``."""

from __future__ import annotations

import click

from headrace.cli.commands.endpoint._common import display_change
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.prompts import confirm


@click.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completion.endpoints)
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@project_options
def delete_command(name: str, yes: bool) -> None:
    """Stop and unregister ENDPOINT, and remove its directory and log."""
    from headrace.endpoints import installation, lifecycle

    session = current()
    project = session.project()
    directory = installation.installed_endpoint(project, name, session.target).directory
    if not yes:
        confirm(f"Remove {directory} with all that is in it?")
    lifecycle.delete(project, name, session.target)
    display_change(name, "deleted")
