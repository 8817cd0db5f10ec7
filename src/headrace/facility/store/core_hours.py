"""Core hours that Compute tasks report, summed by hour, endpoint and flow."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.facility.store.statistics import endpoint_of_body

MEMBER: Final = "job_core_hours"
"""Member of a function's result: the core hours of its batch jobs."""

# Times as the services write them are cut here: 2026-03-01T12.
_HOUR: Final = len("2026-03-01T12")


@dataclass(frozen=True)
class CoreHours:
    """Core hours of some tasks.

    Attributes:
        hours: the sum over the tasks that report theirs.
        tasks: the number of these.
        silent_tasks: the number of those that report none.
    """

    hours: float = 0.0
    tasks: int = 0
    silent_tasks: int = 0

    def document(self) -> dict[str, Any]:
        """Return them as JSON; ``core_hours`` is null where no task reports any."""
        return {
            "core_hours": round(self.hours, 6) if self.tasks else None,
            "tasks": self.tasks,
            "silent_tasks": self.silent_tasks,
        }


def reported_core_hours(details: Any) -> CoreHours:
    """Return what the tasks of a Compute action report.

    Args:
        details: the action's details, with ``results``.
    """
    results = details.get("results") if isinstance(details, Mapping) else None
    outputs = [
        each.get("output") if isinstance(each, Mapping) else None
        for each in (results if isinstance(results, list) else ())
    ]
    found = [value for value in map(_number, outputs) if value is not None]
    return CoreHours(sum(found), len(found), len(outputs) - len(found))


def add_core_hours(
    db: sqlite3.Connection, action_id: str, flow_id: str, details: Any
) -> tuple[str, CoreHours] | None:
    """Add the core hours of an action that has ended.

    Args:
        db: the transaction that ends it.
        action_id: the action.
        flow_id: the flow of its run.
        details: its details.

    Returns:
        The endpoint of its tasks and what they report; None of an action that has no tasks.
    """
    used = reported_core_hours(details)
    if not used.tasks and not used.silent_tasks:
        return None
    row = db.execute(
        "SELECT body, completion_time FROM actions WHERE id = ? AND instr(provider, '//compute.')",
        (action_id,),
    ).fetchone()
    if row is None:
        return None
    endpoint_id, moment = endpoint_of_body(row["body"]), str(row["completion_time"])
    db.execute(
        "INSERT INTO core_hours VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
        " hours = hours + excluded.hours, tasks = tasks + excluded.tasks,"
        " silent_tasks = silent_tasks + excluded.silent_tasks",
        (moment[:_HOUR], endpoint_id, flow_id, used.hours, used.tasks, used.silent_tasks),
    )
    return endpoint_id, used


def sum_core_hours(db: sqlite3.Connection, since: str) -> dict[str, CoreHours]:
    """Return the core hours of each endpoint of the whole hours since a moment.

    Args:
        db: a connection for reading.
        since: the moment; the hour that it is in counts.
    """
    rows = db.execute(
        "SELECT endpoint_id, sum(hours) AS hours, sum(tasks) AS tasks,"
        " sum(silent_tasks) AS silent_tasks FROM core_hours WHERE hour >= ? GROUP BY endpoint_id",
        (since[:_HOUR],),
    )
    return {row["endpoint_id"]: CoreHours(*tuple(row)[1:]) for row in rows}


def delete_core_hours(db: sqlite3.Connection, before: str) -> None:
    """Remove the sums of the hours before a time."""
    db.execute("DELETE FROM core_hours WHERE hour < ?", (before[:_HOUR],))


def _number(output: Any) -> float | None:
    value = output.get(MEMBER) if isinstance(output, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
