"""``headrace endpoint setup``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.commands.endpoint._several import names_argument
from headrace.cli.commands.service._options import manager_option
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note

if TYPE_CHECKING:
    from headrace.project import Project


@click.command
@names_argument
@manager_option
@click.option("--no-monitor", is_flag=True, help="Do not install the monitor as a service.")
@project_options
def setup_command(names: tuple[str, ...], manager: str | None, no_monitor: bool) -> int:
    """Create each ENDPOINT on this machine, start it, and have it monitored.

    What is done already is left as it is, so that the command may be given again after an error.
    Without names: all of the project that have a template. Each step is said. The exit code is 1
    when one failed.
    """
    from headrace.config import ProjectError

    session = current()
    project = session.project()
    chosen = [*dict.fromkeys(names)] or [
        name for name in project.endpoints if project.endpoint(name).template
    ]
    if not chosen:
        raise ProjectError(f"{project.config_file}: no endpoint has a template that it is made of")
    rows = [_set_up(project, name) for name in chosen]
    monitor: dict[str, Any] | None = None
    if not no_monitor:
        monitor = _monitor(project, manager)
    failed = [row["error"] for row in (*rows, *([monitor] if monitor else [])) if row["error"]]
    display(
        {"endpoints": rows, "monitor": monitor},
        f"{len(rows)} {'endpoint' if len(rows) == 1 else 'endpoints'} set up."
        if not failed
        else f"Not everything is set up: give the command again after {failed[0]}",
    )
    return 1 if failed else 0


def _set_up(project: Project, name: str) -> dict[str, Any]:
    """Create and start an endpoint, and say each step."""
    from headrace.endpoints import installation, lifecycle
    from headrace.errors import HeadraceError
    from headrace.hosted import explain, sdk

    session = current()
    row: dict[str, Any] = {"name": name, "created": False, "started": False, "error": ""}
    try:
        services = session.services(project)
        endpoint = installation.installed_endpoint(project, name, session.target)
        if not endpoint.exists:
            endpoint = lifecycle.create(project, name, session.target, services)
            row["created"] = True
        note(f"{name}: {'created' if row['created'] else 'was created'}: {endpoint.directory}")
        row["started"] = lifecycle.start(project, name, session.target, services)
        note(f"{name}: {'started' if row['started'] else 'was running'}")
    except HeadraceError as error:
        row["error"] = str(error)
    except sdk().GlobusError as error:
        row["error"] = str(explain(error))
    if row["error"]:
        note(f"{name}: failed: {row['error']}")
    return row


def _monitor(project: Project, manager: str | None) -> dict[str, Any]:
    """Install the monitor as a service, and say so."""
    from headrace.background_services import choose_services, install_services
    from headrace.errors import HeadraceError

    try:
        services = choose_services(project, current().target, os.environ, ("monitor",))
        done = install_services(services, manager)
    except HeadraceError as error:
        note(f"monitor: failed: {error}")
        return {"manager": None, "error": str(error)}
    note(f"monitor: installed with {done.manager}")
    for line in done.advice:
        note(line)
    return {"manager": done.manager, "error": ""}
