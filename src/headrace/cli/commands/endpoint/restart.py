"""``headrace endpoint restart``."""

from __future__ import annotations

import click

from headrace.cli.commands.endpoint._common import display_change
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current


@click.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completion.endpoints)
@project_options
def restart_command(name: str) -> None:
    """Restart ENDPOINT with the current headrace.toml and headrace.lock.

    An endpoint that the facility hosts ends its running tasks, and starts with its next task.
    """
    from headrace.endpoints import installation, lifecycle

    session = current()
    project = session.project()
    services = session.services(project)
    if installation.is_hosted(project, name, session.target):
        had_host = lifecycle.restart_hosted(project, name, services)
        more = "the next task starts it anew, what runs ends as it is" if had_host else ""
        display_change(name, "restarted" if had_host else "was not running", more)
        return
    lifecycle.stop(project, name, session.target)
    lifecycle.start(project, name, session.target, services)
    display_change(name, "restarted")
