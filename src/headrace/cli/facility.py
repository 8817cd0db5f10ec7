"""``headrace facility``."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, record

if TYPE_CHECKING:
    from headrace.facility import Address

_FIELDS = (
    Field("URL", lambda status: status["url"]),
    Field("Process", lambda status: status["pid"]),
    Field("Answers", lambda status: "yes" if status["answers"] else "no"),
    Field("Since", lambda status: datetime.fromtimestamp(status["started"], UTC)),
    Field("Memory", lambda status: f"{status['memory_bytes'] / 1e6:.0f} MB"),
    Field("Log", lambda status: status["log"]),
)

_NOT_RUNNING = "Not running: start it with `headrace facility up`."


@click.group
def facility() -> None:
    """The facility, the local service."""


@facility.command
@project_options
def up() -> None:
    """Start the project's facility in the background, unless it is running."""
    from headrace.facility import facility_status, find_address, start_facility
    from headrace.project import facility_settings

    project = current().project()
    running = find_address(project.root) is not None
    address = start_facility(project.root, facility_settings(project))
    words = "was running" if running else "started"
    display(facility_status(project.root), f"The facility {words}: {address.url}", ("url", "pid"))


@facility.command
@project_options
def down() -> None:
    """Stop the project's facility; runs under way go on when it is started again."""
    from headrace.facility import stop_facility

    stopped = stop_facility(current().project().root)
    display({"stopped": stopped}, "Stopped." if stopped else "No facility was running.")


@facility.command
@project_options
def status() -> int:
    """Tell whether the facility is running.

    The exit code is 1 when it is not.
    """
    from headrace.facility import facility_status

    found = facility_status(current().project().root)
    display(
        {"running": found is not None, **(found or {})},
        lambda: record(found, _FIELDS) if found else _NOT_RUNNING,
        ("running", "url", "pid"),
    )
    return 0 if found else 1


@facility.command
@project_options
def env() -> None:
    """Print shell exports that lead other Globus clients here.

    Use with eval: eval "$(headrace facility env)". The token is among them: keep it to yourself.
    """
    from headrace.facility import find_address
    from headrace.project import ProjectError

    project = current().project()
    address = find_address(project.root)
    if address is None:
        raise ProjectError(f"{project.root}: no facility is running: run `headrace facility up`")
    variables = _variables(address)
    display(
        variables,
        "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    )


def _variables(address: Address) -> dict[str, str]:
    base = f"{address.url.rstrip('/')}/"
    return {
        "GLOBUS_SDK_SERVICE_URL_FLOWS": base,
        "GLOBUS_SDK_SERVICE_URL_COMPUTE": base,
        "HEADRACE_FACILITY_URL": base,
        "HEADRACE_FACILITY_TOKEN": address.token,
    }
