"""Records of ended runs go after a time; what goes on stays."""

from __future__ import annotations

from facility.bench import Bench, action_state
from waiting import wait_until

from headrace.facility.engine import Engine
from headrace.facility.identity import Identity
from headrace.facility.runs import Runs


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
    assert Runs(bench.store).delete_ended("2000-01-01", 10) == 0
    assert bench.run(ended).status == "SUCCEEDED"
