"""Pools of workers that take no tasks are replaced, and no others."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headrace.compute import engine_monitor
from headrace.compute.engine_monitor import EngineMonitor
from headrace.compute.task_messages import TaskWrapper, supervision_paths
from headrace.compute.versions import own_versions


@dataclass(eq=False)
class Engine:
    """An engine on this machine, one of whose workers has a task."""

    local: bool = True
    claims_tasks: bool = True
    broken: bool = False
    problem: str = ""
    replaced: int = 0
    running: int = field(default=1)

    def report(self) -> dict[str, int]:
        return {"managers": 1, "workers": 1, "running": self.running}

    def worker_versions(self) -> list[dict[str, str]]:
        return [{"python": "3.11.2"}, {"python": "3.11.2"}, {"python": "3.11.9"}]

    def replace_blocks(self) -> None:
        self.replaced += 1


def replaced(engine: Engine, monkeypatch: pytest.MonkeyPatch, claimed: bool = False) -> int:
    """Returns how often a pool is replaced within somewhat more than the time limit."""
    now = [0.0]
    monkeypatch.setattr(engine_monitor.time, "monotonic", lambda: now[0])
    tested: Any = engine
    monitor = EngineMonitor(lambda warning: None, lambda: [tested] if claimed else [])
    for moment in (1.0, 20.0, 32.0):
        now[0] = moment
        monitor.check([tested])
    return engine.replaced


def test_versions_of_the_endpoint_and_of_its_workers_are_reported() -> None:
    tested: Any = Engine(running=0)
    monitor = EngineMonitor(lambda warning: None, lambda: [])
    status = monitor.check([tested])
    assert status["versions"] == own_versions()
    assert status["worker_versions"] == [{"python": "3.11.2"}, {"python": "3.11.9"}]
    assert monitor.check([])["worker_versions"] == []


def test_a_pool_that_takes_no_tasks_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert replaced(Engine(), monkeypatch) == 1


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(Engine(claims_tasks=False), id="its tasks are not claimed"),
        pytest.param(Engine(local=False), id="its claims may be late"),
        pytest.param(Engine(running=0), id="it has no task"),
    ],
)
def test_a_pool_whose_tasks_may_run_is_kept(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert replaced(engine, monkeypatch) == 0


def test_a_pool_that_runs_a_task_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert replaced(Engine(), monkeypatch, claimed=True) == 0


@pytest.mark.parametrize(
    ("deserializers", "claims"),
    [
        ([], True),
        (["globus_compute_sdk.serialize.concretes.PureSourceTextInspect"], True),
        (["globus_compute_sdk.serialize.concretes.DillCode"], False),
    ],
)
def test_tasks_are_claimed_where_plain_source_may_be_sent(
    tmp_path: Path, deserializers: list[str], claims: bool
) -> None:
    paths = supervision_paths(tmp_path, "tested", tmp_path / "cancelled")
    assert TaskWrapper(tmp_path, paths, deserializers, None).claims_tasks is claims
