"""``headrace service install``."""

from __future__ import annotations

import click

from headrace.cli.commands.service._options import (
    chosen_services,
    manager_option,
    services_argument,
)
from headrace.cli.parsing.options import project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note


@click.command
@services_argument
@manager_option
@project_options
def install_command(names: tuple[str, ...], manager: str | None) -> None:
    """Start services with the machine, and again when they end.

    Without names: the facility at local, the watch where the project has triggers, the driver of
    its campaigns, the monitor where it has endpoints, the answers where [notify.phone] has
    commands. Each brings the facility at local. Services that are installed already are started
    anew.
    """
    from headrace.background_services import install_services
    from headrace.config import ProjectError

    services = chosen_services(names)
    if not services:
        raise ProjectError(
            "the project has no triggers, campaigns, endpoints or phone: name a service"
        )
    done = install_services(services, manager)
    names = tuple(service.name for service in services)
    display(
        {"manager": done.manager, "services": names, "advice": done.advice},
        f"Installed with {done.manager}: {', '.join(names)}. See `headrace service status`.",
        ("services",),
    )
    for line in done.advice:
        note(line)
