"""Records of ended runs go after a time; what goes on stays."""

from __future__ import annotations

import time

import pytest

from headrace._internal.timestamps import format_timestamp
from headrace.facility.engine.engine import Engine
from headrace.facility.engine.retention import Retention
from headrace.facility.identity import Identity
from headrace.facility.store.ended_runs import EndedRuns
from headrace.facility.store.runs import RunTable
from headrace.facility.supervision import Health
from tests.support.facility.scripted_engine import Bench, action_state
from tests.support.waiting import wait_until


def count(bench: Bench, table: str) -> int:
    row = bench.store.reader().execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0])


def test_ended_runs_are_removed_with_all_that_is_theirs(bench: Bench) -> None:
    ended = bench.start({"A": action_state(ResultPath="$.r")})
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {})
    bench.ended(ended)
    open_run = bench.start({"A": action_state(WaitTime=3600)})
    bench.action(1)
    bench.engine.stop()
    bench.engine = Engine(bench.store, Identity("i", "me@here"), retention_days=0.0)
    bench.engine.start([bench.provider])
    wait_until(lambda: count(bench, "runs") == 1, "the removal")
    assert bench.run(open_run).status == "ACTIVE"
    for table in ("actions", "definitions"):
        assert count(bench, table) == 1
    numbers = bench.store.reader().execute("SELECT DISTINCT run FROM events").fetchall()
    assert [row[0] for row in numbers] == [bench.run(open_run).number]


def test_recent_runs_stay(bench: Bench) -> None:
    ended = bench.start({"A": {"Type": "Pass", "End": True}})
    bench.ended(ended)
    assert EndedRuns(bench.store, RunTable(bench.store)).delete_before("2000-01-01", 10) == 0
    assert bench.run(ended).status == "SUCCEEDED"


def filled(bench: Bench, ended_days_ago: float, number: int) -> None:
    """Stores runs that ended some days before now by the store's own times."""
    run = bench.run(bench.start({"A": {"Type": "Pass", "End": True}}))
    bench.ended(run.id)
    moment = format_timestamp(time.time() - ended_days_ago * 86_400)
    with bench.store.transaction() as db:
        db.executemany(
            "INSERT INTO runs (id, flow_id, flow_title, definition, metadata, start_time,"
            " completion_time, status) VALUES (?,?,?,?,'{}',?,?,'SUCCEEDED')",
            [
                (f"{ended_days_ago} {n}", run.flow_id, "t", run.definition, moment, moment)
                for n in range(number)
            ],
        )


def test_a_clock_that_is_ahead_at_one_start_removes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(bench, 1, 50)
    true_time = time.time
    monkeypatch.setattr(time, "time", lambda: true_time() + 100 * 86_400)
    retention = Retention(EndedRuns(bench.store, RunTable(bench.store)), 90, Health())
    assert retention.remove_some() > 0
    assert count(bench, "runs") == 51


def test_what_is_old_by_the_store_s_own_times_goes(bench: Bench) -> None:
    filled(bench, 100, 50)
    retention = Retention(EndedRuns(bench.store, RunTable(bench.store)), 90, Health())
    retention.remove_some()
    assert count(bench, "runs") == 1


def test_a_large_removal_is_spread_out_and_told_of(bench: Bench) -> None:
    filled(bench, 100, 1500)
    health = Health()
    retention = Retention(EndedRuns(bench.store, RunTable(bench.store)), 90, health)
    while retention.remove_some() == 0.0:
        continue
    assert count(bench, "runs") == 1501 - 150
    [notice] = health.document()["notices"]
    assert "1500 of 1501 records" in notice
    assert "HEADRACE_RETENTION_DAYS=forever" in notice
    assert health.problems == []
    for _ in range(3):
        assert retention.remove_some() > 0
    assert count(bench, "runs") == 1501 - 150


def test_records_are_counted_once_for_all_removals_of_a_pass(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(bench, 1, 2000)
    filled(bench, 100, 450)
    true_count = EndedRuns.count
    counted: list[tuple[int, int]] = []

    def count_ended(self: EndedRuns, before: str) -> tuple[int, int]:
        counted.append(true_count(self, before))
        return counted[-1]

    monkeypatch.setattr(EndedRuns, "count", count_ended)
    retention = Retention(EndedRuns(bench.store, RunTable(bench.store)), 90, Health())
    assert [retention.remove_some() > 0 for _ in range(3)] == [False, False, True]
    assert counted == [(450, 2452)]
    assert count(bench, "runs") == 2002
    retention.remove_some()
    assert counted[1:] == [(0, 2002)]


def test_a_pass_that_failed_is_not_the_last(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = bench.start({"A": {"Type": "Pass", "End": True}})
    bench.ended(ended)
    bench.engine.stop()
    true_delete = EndedRuns.delete_before
    left = [1, 2]

    def delete(self: EndedRuns, before: str, limit: int) -> int:
        if left:
            raise ValueError(f"a fault of ours {left.pop()}")
        return true_delete(self, before, limit)

    monkeypatch.setattr(EndedRuns, "delete_before", delete)
    bench.engine = Engine(bench.store, Identity("i", "me@here"), retention_days=0.0)
    bench.engine.start([bench.provider])
    wait_until(lambda: count(bench, "runs") == 0, "the removal")
