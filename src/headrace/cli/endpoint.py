"""``headrace endpoint``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from headrace.cli import completing
from headrace.cli.endpoint_monitor import monitor
from headrace.cli.help import group
from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.prompts import confirm
from headrace.cli.termio.tables import Field, record, table

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project

_LIST = (
    Field("endpoint", lambda row: row["name"]),
    Field("template", lambda row: row["template"]),
    Field("kind", lambda row: row["kind"]),
    Field("state", lambda row: row["state"]),
    Field("service", lambda row: row["service"]),
    Field("id", lambda row: row["id"]),
    Field("warning", lambda row: _told(row)),
)
_STATUS = (
    Field("Endpoint", lambda row: row["name"]),
    Field("Id", lambda row: row["id"]),
    Field("Template", lambda row: row["template"]),
    Field("Kind", lambda row: row["kind"]),
    Field("State", lambda row: row["state"]),
    Field("Process", lambda row: row["pid"]),
    Field("Heard of", lambda row: _ago(row["heard_seconds"])),
    Field("At the service", lambda row: row["service"]),
    Field("Directory", lambda row: row["directory"]),
    Field("Configuration", lambda row: _configuration(row)),
    Field("Workers", lambda row: _workers(row)),
    Field("Tasks", lambda row: _tasks(row["tasks"])),
    Field("Busy with", lambda row: _busy(row)),
    Field("Older hosts", lambda row: _retired(row["retired"])),
    Field("Warning", lambda row: row["warning"]),
)


@group()
def endpoint() -> None:
    """Compute endpoints: create, start, watch over them."""


endpoint.add_command(monitor)


@endpoint.command(name="list")
@project_options
def list_() -> None:
    """List the project's endpoints."""
    from headrace.endpoints.manage import endpoint_documents

    project, services = _asked()
    rows = endpoint_documents(project, current().place, services)
    display(
        rows, lambda: table(rows, _LIST, "The project has no endpoints."), ("name", "state", "id")
    )


@endpoint.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completing.endpoints)
@project_options
def status(name: str) -> int:
    """Tell how ENDPOINT is.

    The exit code is 1 when it is created here and does not run.
    """
    from headrace.endpoints.manage import endpoint_document

    project, services = _asked()
    row = endpoint_document(project, name, current().place, services)
    display(row, lambda: record(row, _STATUS), ("name", "state", "service", "id"))
    return 1 if row["kind"] == "installed" and row["state"] != "running" else 0


@endpoint.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completing.endpoints)
@project_options
def create(name: str) -> None:
    """Create ENDPOINT on this machine from its template and options.

    It will run as a `globus-compute-endpoint` of your own, limited to the deployed functions.
    """
    from headrace.endpoints import manage

    session = current()
    project = session.project()
    services = session.services(project)
    made = manage.create(project, name, session.place, services)
    _tell(name, "created", f"{made.directory}\nStart it with `headrace endpoint start {name}`.")


@endpoint.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completing.endpoints)
@project_options
def start(name: str) -> None:
    """Start ENDPOINT in the background; one that runs stays as it is."""
    from headrace.endpoints import manage

    session = current()
    project = session.project()
    started = manage.start(project, name, session.place, session.services(project))
    _tell(name, "started" if started else "was running")


@endpoint.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completing.endpoints)
@project_options
def stop(name: str) -> None:
    """Stop ENDPOINT with its workers and blocks; its tasks wait for its return."""
    from headrace.endpoints import manage

    session = current()
    stopped = manage.stop(session.project(), name, session.place)
    _tell(name, "stopped" if stopped else "was not running")


@endpoint.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completing.endpoints)
@project_options
def restart(name: str) -> None:
    """Stop ENDPOINT, and start it with what headrace.toml and headrace.lock say now.

    One that the facility hosts ends what it runs; its next task starts it anew.
    """
    from headrace.endpoints import manage

    session = current()
    project = session.project()
    services = session.services(project)
    if manage.is_hosted(project, name, session.place):
        had_host = manage.restart_hosted(project, name, services)
        more = "the next task starts it anew, what runs ends as it is" if had_host else ""
        _tell(name, "restarted" if had_host else "was not running", more)
        return
    manage.stop(project, name, session.place)
    manage.start(project, name, session.place, services)
    _tell(name, "restarted")


@endpoint.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completing.endpoints)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@project_options
def delete(name: str, yes: bool) -> None:
    """Stop ENDPOINT, make the service forget it, and remove its directory and log."""
    from headrace.endpoints import manage

    session = current()
    project = session.project()
    directory = manage.installed_endpoint(project, name, session.place).directory
    if not yes:
        confirm(f"Remove {directory} with all that is in it?")
    manage.delete(project, name, session.place)
    _tell(name, "deleted")


@endpoint.command
@click.argument("name", metavar="ENDPOINT", shell_complete=completing.endpoints)
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="How many lines from the end.",
)
@click.option("--workers", is_flag=True, help="The logs of what runs the tasks, not its own.")
@project_options
def log(name: str, lines: int, workers: bool) -> None:
    """Print the end of ENDPOINT's log."""
    from headrace.endpoints.manage import log_lines

    session = current()
    shown = log_lines(session.project(), name, session.place, lines, workers=workers)
    display(shown, "\n".join(shown) or "The log is empty.")


def _asked() -> tuple[Project, Services | None]:
    from headrace.errors import HeadraceError

    session = current()
    project = session.project()
    try:
        return project, session.services(project)
    except HeadraceError:
        return project, None  # no facility, no login: what this machine knows is told anyway


def _tell(name: str, what: str, more: str = "") -> None:
    from headrace.endpoints.manage import endpoint_document

    session = current()
    row: dict[str, Any] = endpoint_document(session.project(), name, session.place, None)
    line = f"Endpoint {name} {what}{f': {more}' if more else '.'}"
    display({**row, "done": what}, line, ("name", "done", "id"))


def _ago(seconds: int | None) -> str:
    return "" if seconds is None else f"{seconds} s ago"


def _told(row: dict[str, Any]) -> str:
    configuration = row["configuration"] or {}
    if row["warning"]:
        return str(row["warning"])
    return _CHANGED if configuration.get("differs") else ""


_CHANGED = "its configuration has changed since it was started"


def _configuration(row: dict[str, Any]) -> str:
    told = row["configuration"]
    if told is None:
        return ""
    if row["kind"] == "installed":
        changed = ", ".join(told["outdated"]) or told["error"]
        hint = f"`headrace endpoint restart {row['name']}` takes up what changed: {changed}"
        return hint if told["differs"] else "as the project has it"
    if not told["in_use"]:
        return f"{told['on_disk']} on disk, none in use" if told["on_disk"] else ""
    since = f"{told['in_use']} in use since {told['taken_up']}"
    if not told["differs"]:
        return f"{since}, the same on disk"
    on_disk = told["on_disk"] or "none that could be used"
    return f"{since}; on disk: {on_disk}, taken up by the next task"


def _workers(row: dict[str, Any]) -> str:
    if row["workers"] is None:
        return ""
    return f"{row['workers']}, {len(row['busy'])} of them busy"


def _tasks(tasks: dict[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(tasks.items()))


def _busy(row: dict[str, Any]) -> str:
    from headrace.runs.describe import duration

    lines = []
    for one in row["busy"]:
        run = f", run {one['run_id']}" if one.get("run_id") else ""
        since = duration(max(0.0, time.time() - float(one["since"])))
        given_up = ", given up: its worker is being ended" if one["given_up"] else ""
        where = f"{one['node']}, process {one['pid']}"
        lines.append(f"{one['function'] or one['task_id']} for {since} ({where}{run}{given_up})")
    return "; ".join(lines)


def _retired(retired: list[dict[str, Any]]) -> str:
    return "; ".join(
        f"{one['configuration']}, taken up {one['taken_up']}: {_tasks(one['tasks']) or 'ending'}"
        for one in retired
    )
