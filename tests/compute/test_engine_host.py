"""The host of an endpoint's engines: what goes wrong beside a task costs no task."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from headrace.compute import engine_host
from headrace.compute.engine import EngineResult
from headrace.compute.engine_host import EngineHost
from headrace.compute.process_records import HostRecord
from tests.support.compute.endpoints import REPOSITORY, task


def nothing() -> None:
    return None


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        os.close(descriptor)


@pytest.fixture
def host(tmp_path: Path, pipe: tuple[int, int]) -> EngineHost:
    command = {
        "endpoint_id": "e",
        "template": str(REPOSITORY / "endpoint_configs" / "local"),
        "options": {},
        "record": asdict(HostRecord("h", os.getpid(), 0.0, "", "")),
    }
    return EngineHost(command, tmp_path, pipe[1])


def test_a_disk_that_lets_nothing_be_removed_loses_no_result(
    host: EngineHost, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(state_dir: Path, kept: int) -> None:
        raise OSError(30, "Read-only file system", str(state_dir))

    monkeypatch.setattr(engine_host, "remove_old_output", refuse)
    monkeypatch.setattr(engine_host, "_TASKS_BETWEEN_CLEANING", 1)
    one = task(nothing)
    # In the place of the engine: what it does with a task and what it says of its end.
    monkeypatch.setattr(host._engines, "engine_for", lambda options: _Engine(one.task_id))
    host.submit(one)
    with os.fdopen(os.dup(pipe[0])) as events:
        event = json.loads(events.readline())
    assert (event["kind"], event["result"]) == ("done", {"a": 1})


def test_a_report_that_raises_is_made_again(
    host: EngineHost, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[Exception] = [RuntimeError("not foreseen"), OSError("no answer")]

    def check(engines: object) -> dict[str, int]:
        if faults:
            raise faults.pop()
        return {"workers": 3}

    monkeypatch.setattr(host._monitor, "check", check)
    for work in host._periodic:
        work.start()
    with os.fdopen(os.dup(pipe[0])) as events:
        assert json.loads(events.readline()) == {"event": "status", "workers": 3, "busy": []}
    for work in host._periodic:
        work.stop(None)
    assert faults == []


class _Engine:
    def __init__(self, task_id: str) -> None:
        self.task_id = task_id

    def submit(self, one, on_end) -> None:
        on_end(self.task_id, EngineResult(False, '11\n{"a": 1}'))
