"""``headrace service status``."""

from __future__ import annotations

import click

from headrace.cli.commands.service._options import (
    chosen_services,
    manager_option,
    services_argument,
)
from headrace.cli.parsing.options import project_options
from headrace.cli.termio.display import display_table
from headrace.cli.termio.tables import Field

_FIELDS = (
    Field("service", key="name"),
    Field("state", key="state"),
    Field("since", key="since"),
    Field("pid", lambda status: status["pid"] or "", key="pid"),
    Field("restarts", optional=True, key="restarts"),
    Field("name on this machine", key="id"),
)


@click.command
@services_argument
@manager_option
@project_options
def status_command(names: tuple[str, ...], manager: str | None) -> int:
    """Show the project's services.

    The exit code is 1 when one that is installed does not work.
    """
    from headrace.background_services import service_statuses

    statuses = service_statuses(chosen_services(names, exactly=True), manager)
    display_table([status.document() for status in statuses], _FIELDS, "There are no services.")
    return 0 if all(one.active or not one.installed for one in statuses) else 1
