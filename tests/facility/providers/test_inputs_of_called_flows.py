"""The check of the input of a flow that a flow calls: it can take long, and it can fail."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.facility.providers import SubFlowProvider, sub_flow
from headrace.facility.store.actions import ActionTable
from headrace.facility.store.flows import FlowTable
from headrace.facility.store.runs import RunTable
from tests.support.facility.called_flows import outer
from tests.support.facility.scripted_engine import Bench

PASS = {"A": {"Type": "Pass", "End": True}}


class BenchWithFlows(Bench):
    """A bench whose flows can call each other."""

    def start_engine(self) -> None:
        flows, runs, actions = FlowTable(self.store), RunTable(self.store), ActionTable(self.store)
        self.flows = SubFlowProvider(flows, runs, actions, self.engine, self.store.health)
        self.engine.start([self.flows])

    def close(self) -> None:
        self.flows.close()
        super().close()

    def call(self) -> str:
        called = {"title": "t", "definition": {"StartAt": "A", "States": PASS}}
        flow = FlowTable(self.store).create(called)
        return self.start(outer(flow.id)["States"])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[BenchWithFlows]:
    opened = BenchWithFlows(tmp_path / "facility.db")
    yield opened
    opened.close()


@pytest.fixture
def checked_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], list[Any]]], None]:
    """Has inputs checked by something else: a schema's own slowness is over in a second."""

    def use(check: Callable[[], list[Any]]) -> None:
        monkeypatch.setattr(sub_flow, "input_entries", lambda schema, body: check())

    return use


def test_all_other_runs_go_on_while_an_input_is_checked(bench: BenchWithFlows, checked_by) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> list[Any]:
        begun.set()
        may_end.wait()
        return []

    checked_by(slow)
    try:
        calling = bench.call()
        assert begun.wait(120)
        assert bench.ended(bench.start(PASS)).status == "SUCCEEDED"
        assert bench.run(calling).status == "ACTIVE"
    finally:
        may_end.set()
    assert bench.ended(calling).status == "SUCCEEDED"


def test_a_check_that_a_passing_fault_keeps_from_being_done_is_done_later(
    bench: BenchWithFlows, checked_by
) -> None:
    results: list[Any] = [OSError(errno.ENOMEM, "no memory"), []]

    def failing_once() -> list[Any]:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return []

    checked_by(failing_once)
    assert bench.ended(bench.call()).status == "SUCCEEDED"
    assert results == []


def test_a_check_that_fails_for_good_ends_the_action(bench: BenchWithFlows, checked_by) -> None:
    checked_by(lambda: [1 // 0])
    run_id = bench.call()
    assert bench.ended(run_id).status == "FAILED"
    details = bench.details(run_id)["details"]
    assert details["cause"]["details"]["code"] == "ActionProviderError"
    assert "ZeroDivisionError" in details["cause"]["details"]["description"]
    assert bench.ended(bench.start(PASS)).status == "SUCCEEDED"
