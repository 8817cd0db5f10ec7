"""``headrace endpoint restart``."""

from __future__ import annotations

import click

from headrace.cli.commands.endpoint._several import (
    change_endpoints,
    hosted_or_created,
    names_argument,
    yes_option,
)
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current


@click.command
@names_argument
@yes_option
@project_options
def restart_command(names: tuple[str, ...], yes: bool) -> int:
    """Restart each ENDPOINT with the current headrace.toml and headrace.lock.

    An endpoint that the facility hosts ends its running tasks, and starts with its next task.
    Without names: all of the project that the facility hosts or were created on this machine. More
    than one are shown and asked for.
    """
    from headrace.endpoints import installation, lifecycle

    session = current()
    project = session.project()
    services = session.services(project)

    def restart(name: str) -> tuple[str, str]:
        if installation.is_hosted(project, name, session.target):
            had_host = lifecycle.restart_hosted(project, name, services)
            more = "the next task starts it anew, what runs ends as it is" if had_host else ""
            return "restarted" if had_host else "was not running", more
        lifecycle.stop(project, name, session.target)
        lifecycle.start(project, name, session.target, services)
        return "restarted", ""

    return change_endpoints(
        names, lambda: hosted_or_created(project), restart, question="Restart", yes=yes
    )
