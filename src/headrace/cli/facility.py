"""``headrace facility``."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.help import group
from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note
from headrace.cli.termio.tables import Field, record

if TYPE_CHECKING:
    from headrace.facility import Address, StoreReport

_FIELDS = (
    Field("URL", lambda status: status["url"]),
    Field("Process", lambda status: status["pid"]),
    Field("Answers", lambda status: _answers(status)),
    Field("Since", lambda status: datetime.fromtimestamp(status["started"], UTC)),
    Field("Memory", lambda status: f"{status['memory_bytes'] / 1e6:.0f} MB"),
    Field("Parked runs", lambda status: status["parked_runs"]),
    Field("Log", lambda status: status["log"]),
)

# Lines of one kind that `facility check` shows.
_SHOWN = 20
_NOT_RUNNING = "Not running: start it with `headrace facility up`."


@group()
def facility() -> None:
    """Manage the facility, the local service."""


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
@click.option(
    "--take-over",
    is_flag=True,
    help="Another machine has the facility and is gone for good: start it here.",
)
@project_options
def up(compute: bool | None, broker: str | None, take_over: bool) -> None:
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
    running = not take_over and find_address(project.root) is not None
    if running and changed:
        stop_facility(project.root)
    address = start_facility(project.root, settings, take_over=take_over)
    if compute and (missing := missing_for_compute(project.root)):
        note(missing)
    words = "was restarted" if running and changed else "was running" if running else "started"
    display(facility_status(project.root), f"The facility {words}: {address.url}", ("url", "pid"))


@facility.command
@project_options
def down() -> None:
    """Stop the project's facility; runs under way go on when it is started again."""
    from headrace.facility import stop_facility

    stopped = stop_facility(current().root())
    display({"stopped": stopped}, "Stopped." if stopped else "No facility was running.")


@facility.command
@project_options
def status() -> int:
    """Tell whether the facility is running, and whether it is well.

    The exit code is 1 when it is not running, does not answer, or something is the matter with it.
    """
    from headrace.facility import facility_status

    found = facility_status(current().root())
    display(
        {"running": found is not None, **(found or {})},
        lambda: _status_text(found) if found else _NOT_RUNNING,
        ("running", "url", "pid"),
    )
    return 0 if found and found["well"] else 1


@facility.command
@click.option(
    "--export",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Make a new store of all that can be read; the damaged one stays as it is.",
)
@project_options
def check(export: Path | None) -> int:
    """Look for damage in the facility's store.

    Every page, every reference and the events of every run are read; nothing is changed, and the
    facility may be running. The exit code is 1 when something is damaged.
    """
    from headrace.facility import check_store, state_directory

    report = check_store(state_directory(current().root()) / "facility.db", export)
    display(report.document(), lambda: _check_text(report), ("path", "sound", "runs"))
    return 0 if report.sound else 1


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
    from headrace.config import (
        ProjectError,
    )
    from headrace.facility import compute_environment, find_address

    project = current().project()
    address = find_address(project.root)
    if address is None:
        raise ProjectError(f"{project.root}: no facility is running: run `headrace facility up`")
    variables = compute_environment(project.root) if compute else _variables(project.root, address)
    display(
        variables,
        "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    )


def _answers(status: dict[str, Any]) -> str:
    if not status["answers"]:
        return "no"
    return "yes" if status["well"] else "yes, but something is the matter with it"


def _status_text(status: dict[str, Any]) -> str:
    lines = [record(status, _FIELDS)]
    lines += [f"Problem: {problem}" for problem in status["problems"]]
    lines += [f"Note: {notice}" for notice in status["notices"]]
    return "\n".join(lines)


def _first(lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return [*lines[:_SHOWN], f"... and {more} more (-F json has all)"] if more > 0 else lines


def _check_text(report: StoreReport) -> str:
    lines = [f"{report.path}: {report.size / 1e6:.1f} MB, {report.runs} runs"]
    lines += _first(report.problems)
    lines += _first([f"run {run_id}: {reason}" for run_id, reason in report.unreadable])
    if report.exported is not None:
        lines.append(
            f"What can be read is in {report.exported} ({report.rows.get('runs', 0)} runs, "
            f"{report.rows.get('events', 0)} events): stop the facility, move {report.path} with "
            f"its -wal and -open away, move the new file there, and start the facility."
        )
    elif report.sound:
        lines.append("No damage.")
    else:
        lines.append("Make a store of what can be read: `headrace facility check --export FILE`.")
    return "\n".join(lines)


def _variables(root: Path, address: Address) -> dict[str, str]:
    from headrace.facility import client_environment

    return {
        **client_environment(root, address.url),
        "HEADRACE_FACILITY_URL": f"{address.url.rstrip('/')}/",
        "HEADRACE_FACILITY_TOKEN": address.token,
    }
