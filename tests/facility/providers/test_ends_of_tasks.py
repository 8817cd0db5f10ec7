"""Ends of tasks, which nobody tells twice."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from headrace.compute import TaskEvent
from headrace.facility.providers.compute import TaskTracker
from headrace.facility.store import database, tasks
from headrace.facility.store.tasks import Task, TaskTable
from tests.support.facility.scripted_engine import Bench, action_state
from tests.support.ids import an_id


@pytest.mark.parametrize("read", ["action_id", "has_open", "outcomes"])
def test_an_end_is_not_lost_where_the_store_cannot_be_read_for_a_moment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    monkeypatch.setattr(database, "RETRY_SECONDS", 0.01)
    run_id = bench.start({"Compute": action_state(ResultPath="$.r")})
    action_id, task_id = bench.action().id, an_id("task")
    one = Task(task_id, action_id, 0, an_id("function"), [], {}, tasks.PENDING, None, None)
    with bench.store.transaction() as db:
        TaskTable(bench.store).insert(db, [one])
    tracker = TaskTracker(bench.store, bench.engine.finish_action)
    real, faults = getattr(tracker._tasks, read), [sqlite3.SQLITE_CANTOPEN]

    def reading(wanted: str) -> Any:
        if faults:
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = faults.pop()
            raise error
        return real(wanted)

    monkeypatch.setattr(tracker._tasks, read, reading)
    tracker.on_event(TaskEvent(task_id, "done", result=7))
    assert faults == []
    assert bench.payload(run_id)["r"]["details"]["result"] == [7]
