"""``headrace facility``."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from headrace.cli.help import group
from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note
from headrace.cli.termio.tables import Field, record

if TYPE_CHECKING:
    from pathlib import Path

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


@group()
def facility() -> None:
    """The facility, the local service."""


@facility.command
@click.option(
    "--compute/--no-compute",
    default=None,
    help="Serve real Compute endpoints and the Compute SDK too, at port 5000; kept until changed.",
)
@click.option(
    "--broker",
    metavar="URL",
    help="With --compute: amqp:// URL of a RabbitMQ; a private one is started by default.",
)
@project_options
def up(compute: bool | None, broker: str | None) -> None:
    """Start the project's facility in the background, unless it is running.

    A running one is restarted where it shall serve Compute otherwise than it does.
    """
    from headrace.facility import (
        choose_compute,
        facility_status,
        find_address,
        missing_for_compute,
        start_facility,
        stop_facility,
    )
    from headrace.project import facility_settings

    if broker and not compute:
        raise click.UsageError("--broker goes with --compute.")
    project = current().project()
    settings = facility_settings(project)
    changed = compute is not None and choose_compute(project.root, compute, broker or "")
    running = find_address(project.root) is not None
    if running and changed:
        stop_facility(project.root)
    address = start_facility(project.root, settings)
    if compute and (missing := missing_for_compute(project.root)):
        note(missing)
    words = "was restarted" if running and changed else "was running" if running else "started"
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
@click.option(
    "--compute",
    is_flag=True,
    help="Those of globus-compute-endpoint and the Compute SDK, with the client's secret.",
)
@project_options
def env(compute: bool) -> None:
    """Print shell exports that lead other Globus clients here.

    The Globus CLI, the SDK, and headrace itself with --at globus. Use with eval:
    eval "$(headrace facility env)". Secrets are among them: keep them to yourself.
    """
    from headrace.facility import compute_environment, find_address
    from headrace.project import ProjectError

    project = current().project()
    address = find_address(project.root)
    if address is None:
        raise ProjectError(f"{project.root}: no facility is running: run `headrace facility up`")
    variables = compute_environment(project.root) if compute else _variables(project.root, address)
    display(
        variables,
        "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    )


def _variables(root: Path, address: Address) -> dict[str, str]:
    from headrace.facility import client_environment

    return {
        **client_environment(root, address.url),
        "HEADRACE_FACILITY_URL": f"{address.url.rstrip('/')}/",
        "HEADRACE_FACILITY_TOKEN": address.token,
    }
