"""Core hours that tasks report are summed as their action ends, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.facility.store.core_hours import CoreHours, sum_core_hours
from headrace.facility.store.ended_runs import EndedRuns
from headrace.facility.store.runs import RunTable
from tests.support.facility.scripted_engine import Bench, ScriptedProvider, action_state

COMPUTE = "https://compute.scripted.example/v3"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(ScriptedProvider, "url", COMPUTE)
    bench = Bench(tmp_path / "state" / "facility.db")
    yield bench
    bench.close()


def end(bench: Bench, status: str, *outputs: Any, endpoint: str = "cluster") -> str:
    body, number = {"endpoint_id": endpoint, "tasks": []}, len(bench.provider.begun)
    run = bench.start({"A": action_state(ActionUrl=COMPUTE, Parameters=body, ResultPath="$.r")})
    action_id = bench.action(number).id
    results = [{"task_id": str(n), "output": output} for n, output in enumerate(outputs)]
    for _ in range(2):  # told twice, counted once
        bench.engine.finish_action(action_id, status, {"results": results})
    bench.ended(run)
    return run


def summed(bench: Bench) -> dict[str, CoreHours]:
    return sum_core_hours(bench.store.reader(), "2000")


def test_tasks_are_summed_by_endpoint_and_the_silent_ones_counted(bench: Bench) -> None:
    end(bench, "SUCCEEDED", {"job_core_hours": 1.5}, {"job_core_hours": 0.25}, {"other": 1}, 7)
    end(bench, "FAILED", {"job_core_hours": 2}, None)
    end(bench, "SUCCEEDED", {"job_core_hours": None}, endpoint="silent")
    assert summed(bench) == {"cluster": CoreHours(3.75, 3, 3), "silent": CoreHours(0.0, 0, 1)}
    assert summed(bench)["silent"].document()["core_hours"] is None
    assert bench.store.counters.core_hours["cluster"] == 3.75
    assert "silent" not in bench.store.counters.core_hours
    assert sum_core_hours(bench.store.reader(), "9999") == {}


@pytest.mark.parametrize("value", [True, -1, "3", [1], {}])
def test_what_is_no_number_is_not_told(bench: Bench, value: Any) -> None:
    end(bench, "SUCCEEDED", {"job_core_hours": value})
    assert summed(bench) == {"cluster": CoreHours(0.0, 0, 1)}


def test_an_action_of_another_provider_is_none_of_them(bench: Bench) -> None:
    run = bench.start({"A": action_state(ActionUrl=COMPUTE, ResultPath="$.r")})
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {"results": "none"})
    bench.ended(run)
    assert summed(bench) == {}


def test_they_go_with_the_records_of_their_time(bench: Bench) -> None:
    end(bench, "SUCCEEDED", {"job_core_hours": 1})
    with bench.store.transaction() as db:
        db.execute("INSERT INTO core_hours VALUES ('2020-01-01T00', 'old', 'f', 1, 1, 0)")
    assert EndedRuns(bench.store, RunTable(bench.store)).delete_before("9999", 10) == 1
    assert set(summed(bench)) == {"cluster"}
