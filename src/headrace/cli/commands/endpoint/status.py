"""``headrace endpoint status``."""

from __future__ import annotations

import time
from typing import Any

import click

from headrace.cli.commands.endpoint._common import project_and_services
from headrace.cli.commands.endpoint._several import names_argument
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, record

_STATUS = (
    Field("Endpoint", lambda row: row["name"]),
    Field("Id", lambda row: row["id"]),
    Field("Template", lambda row: row["template"]),
    Field("Kind", lambda row: row["kind"]),
    Field("State", lambda row: row["state"]),
    Field("Drained since", lambda row: (row["drain"] or {}).get("since")),
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


@click.command
@names_argument
@project_options
def status_command(names: tuple[str, ...]) -> int:
    """Show the status, workers and tasks of each ENDPOINT; all of the project without names.

    The exit code is 1 when one was created on this machine and is not running.
    """
    from headrace.endpoints.status import endpoint_document, endpoint_documents

    project, services = project_and_services()
    target = current().target
    if len(names) == 1:
        rows = [endpoint_document(project, names[0], target, services)]
    else:
        rows = endpoint_documents(project, target, services, names or None)
    display(
        rows[0] if len(names) == 1 else rows,
        lambda: "\n\n".join(record(row, _STATUS) for row in rows) or "No endpoints.",
        ("name", "state", "service", "id"),
    )
    stopped = [row for row in rows if row["kind"] == "installed" and row["state"] != "running"]
    return 1 if stopped else 0


def _ago(seconds: int | None) -> str:
    return "" if seconds is None else f"{seconds} s ago"


def _configuration(row: dict[str, Any]) -> str:
    settings = row["configuration"]
    if settings is None:
        return ""
    if row["kind"] == "installed":
        changed = ", ".join(settings["outdated"]) or settings["error"]
        hint = f"`headrace endpoint restart {row['name']}` takes up what changed: {changed}"
        return hint if settings["differs"] else "as the project has it"
    if not settings["in_use"]:
        return f"{settings['on_disk']} on disk, none in use" if settings["on_disk"] else ""
    since = f"{settings['in_use']} in use since {settings['in_use_since']}"
    if not settings["differs"]:
        return f"{since}, the same on disk"
    on_disk = settings["on_disk"] or "none that could be used"
    return f"{since}; on disk: {on_disk}, used from the next task on"


def _workers(row: dict[str, Any]) -> str:
    if row["workers"] is None:
        return ""
    return f"{row['workers']}, {len(row['busy'])} of them busy"


def _tasks(tasks: dict[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(tasks.items()))


def _busy(row: dict[str, Any]) -> str:
    from headrace.runs.describe import format_duration

    lines = []
    for one in row["busy"]:
        run = f", run {one['run_id']}" if one.get("run_id") else ""
        since = format_duration(max(0.0, time.time() - float(one["since"])))
        cancelled = ", cancelled: its worker is being ended" if one["cancelled"] else ""
        where = f"{one['node']}, process {one['pid']}"
        lines.append(f"{one['function'] or one['task_id']} for {since} ({where}{run}{cancelled})")
    return "; ".join(lines)


def _retired(retired: list[dict[str, Any]]) -> str:
    return "; ".join(
        f"{one['configuration']}, in use since {one['in_use_since']}: "
        f"{_tasks(one['tasks']) or 'ending'}"
        for one in retired
    )
