"""Details of runs are read once, as long as nothing happens to the run."""

from __future__ import annotations

import pytest

from headrace.facility.store import tasks
from headrace.facility.store.details_cache import DetailsCache
from headrace.facility.store.event_log import EventLog
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from headrace.facility.store.tasks import Task, TaskTable
from tests.support.facility.scripted_engine import Bench, action_state
from tests.support.ids import an_id


def started(bench: Bench) -> Run:
    run_id = bench.start({"Wait": action_state(ResultPath="$.r")})
    bench.action()
    return bench.run(run_id)


def test_a_run_that_is_asked_for_again_is_not_replayed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = RunTable(bench.store)
    run = started(bench)
    first = runs.details(run)
    with monkeypatch.context() as patch:
        patch.delattr(EventLog, "last_event")
        assert runs.details(run) == first
    assert first["code"] == "ActionStarted"


def test_details_follow_each_event(bench: Bench) -> None:
    runs = RunTable(bench.store)
    run = started(bench)
    before = runs.details(run)
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {"n": 1})
    after = runs.details(bench.ended(run.id))
    assert after != before
    assert after["code"] == "FlowSucceeded"


def test_numbers_that_are_given_again_show_no_other_runs_details(bench: Bench) -> None:
    cache, db = DetailsCache(), bench.store.reader()
    run = started(bench)
    assert cache.get(db, run.number, run.id, lambda: {"of": "first"}) == {"of": "first"}
    assert cache.get(db, run.number, an_id("run"), lambda: {"of": "second"}) == {"of": "second"}


def test_the_arguments_of_tasks_are_not_read_to_count_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.start({"Compute": action_state(ResultPath="$.r")})
    action_id, table = bench.action().id, TaskTable(bench.store)
    ids = [an_id(f"task {n}") for n in range(3)]
    new = [
        Task(task_id, action_id, n, an_id("function"), [], {}, tasks.PENDING, None, None)
        for n, task_id in enumerate(ids)
    ]
    with bench.store.transaction() as db:
        table.insert(db, new)
    table.set_status(ids[1], tasks.DONE, result=7)
    with monkeypatch.context() as patch:
        patch.delattr(tasks, "_task_from_row")
        assert table.statuses(action_id) == dict(
            zip(ids, [tasks.PENDING, tasks.DONE, tasks.PENDING], strict=True)
        )
        assert table.has_open(action_id)
    assert [task.id for task in table.open_for_action(action_id)] == [ids[0], ids[2]]
