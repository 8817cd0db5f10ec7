"""The engine with scripted providers: a fake at the border to real work, and nowhere else."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

from headrace.facility.actions import Action, Actions
from headrace.facility.engine import Engine
from headrace.facility.errors import ActionRejected
from headrace.facility.flows import Flows
from headrace.facility.identity import Identity
from headrace.facility.runs import Run, Runs
from headrace.facility.store import Store

URL = "https://scripted.example/action"


class ScriptedProvider:
    """Ends nothing by itself: the test says when and how."""

    url = URL

    def __init__(self) -> None:
        self.begun: list[Action] = []
        self.cancelled: list[Action] = []
        self.reject = False

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> None:
        if self.reject:
            raise ActionRejected("BadActionRequest", "not like this")

    def begin(self, action: Action) -> None:
        self.begun.append(action)

    def cancel(self, action: Action) -> None:
        self.cancelled.append(action)

    def progress(self, action_id: str) -> dict[str, Any] | None:
        return None


class Bench:
    """An engine on a store, that can be stopped and started again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.provider = ScriptedProvider()
        self.open()

    def open(self) -> None:
        self.store = Store(self.path)
        self.engine = Engine(self.store, Identity(str(uuid.uuid4()), "me@here"))
        self.engine.start([self.provider])

    def close(self) -> None:
        self.engine.stop()
        self.store.close()

    def start(self, states: dict[str, Any], body: dict[str, Any] | None = None) -> str:
        definition = {"StartAt": next(iter(states)), "States": states}
        flow = Flows(self.store).create({"title": "t", "definition": definition})
        return self.engine.start_run(flow, {"body": body or {}}).id

    def run(self, run_id: str) -> Run:
        return Runs(self.store).get(run_id)

    def ended(self, run_id: str) -> Run:
        def look() -> Run | None:
            run = self.run(run_id)
            return run if run.completion_time else None

        return wait_until(look, "the end of the run", 20)

    def action(self, number: int = 0) -> Action:
        wait_until(lambda: len(self.provider.begun) > number, "an action", 20)
        return self.provider.begun[number]

    def codes(self, run_id: str) -> list[str]:
        entries, _ = Runs(self.store).log(run_id, 100)
        return [entry.code for entry in entries]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "state" / "facility.db")
    yield bench
    bench.close()


def action_state(**more: Any) -> dict[str, Any]:
    return {"Type": "Action", "ActionUrl": URL, "Parameters": {"a": 1}, "End": True} | more


def test_an_action_that_succeeds_becomes_the_result(bench: Bench):
    run_id = bench.start({"A": action_state(ResultPath="$.r")}, {"kept": True})
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {"x": 1})
    payload = bench.ended(run_id).payload
    assert payload["kept"] is True
    assert payload["r"]["details"] == {"x": 1}


def test_an_action_that_fails_fails_the_run(bench: Bench):
    run_id = bench.start({"A": action_state()})
    bench.engine.finish_action(bench.action().id, "FAILED", {"code": "Bad"})
    run = bench.ended(run_id)
    assert run.status == "FAILED"
    assert run.details["details"]["exception"] == "ActionFailedException"
    assert bench.codes(run_id)[-2:] == ["ActionFailed", "FlowFailed"]


@pytest.mark.parametrize("reject", [True, False])
def test_a_catcher_takes_over(bench: Bench, reject: bool):
    bench.provider.reject = reject
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Mend"}]
    states = {"A": action_state(Catch=catch), "Mend": {"Type": "Pass", "End": True}}
    run_id = bench.start(states)
    if not reject:
        bench.engine.finish_action(bench.action().id, "FAILED", {})
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_a_second_end_of_an_action_changes_nothing(bench: Bench):
    run_id = bench.start({"A": action_state(ResultPath="$.r")})
    action = bench.action()
    bench.engine.finish_action(action.id, "SUCCEEDED", {"first": True})
    bench.engine.finish_action(action.id, "FAILED", {"second": True})
    assert bench.ended(run_id).payload["r"]["details"] == {"first": True}


def test_an_action_that_takes_too_long_is_cancelled(bench: Bench):
    run_id = bench.start({"A": action_state(WaitTime=1)})
    run = bench.ended(run_id)
    assert run.details["details"]["exception"] == "ActionTimeout"
    wait_until(lambda: bench.provider.cancelled, "the cancellation", 5)
    assert [a.id for a in bench.provider.cancelled] == [bench.action().id]


def test_a_restart_begins_an_open_action_again_and_stores_no_second_one(bench: Bench):
    run_id = bench.start({"A": action_state(ResultPath="$.r")})
    first = bench.action()
    bench.close()
    bench.open()
    assert bench.action(1).id == first.id
    assert len(Actions(bench.store).of_run(run_id)) == 1
    bench.engine.finish_action(first.id, "SUCCEEDED", {})
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_a_restart_goes_on_with_a_wait(bench: Bench):
    run_id = bench.start({"W": {"Type": "Wait", "Seconds": 1, "End": True}})
    wait_until(lambda: bench.run(run_id).wake_at, "the wait", 5)
    bench.close()
    bench.open()
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_a_wait_counts_by_a_clock_that_nobody_sets_back(bench: Bench, monkeypatch):
    import time

    run_id = bench.start({"W": {"Type": "Wait", "Seconds": 1, "End": True}})
    wait_until(lambda: bench.run(run_id).wake_at, "the wait", 5)
    true_time = time.time
    monkeypatch.setattr("headrace.facility.engine.time.time", lambda: true_time() - 3600)
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_a_loop_without_a_wait_leaves_others_their_turn(bench: Bench):
    spin = {"Type": "Pass", "Next": "Spin"}
    endless = bench.start({"Spin": spin})
    other = bench.start({"A": {"Type": "Pass", "End": True}})
    assert bench.ended(other).status == "SUCCEEDED"
    bench.engine.cancel_run(endless)
    assert bench.ended(endless).details["code"] == "FlowCanceled"


def test_a_fault_of_ours_in_one_run_leaves_the_others_alone(bench: Bench, monkeypatch):
    from headrace.facility import advance

    true_enter = advance.enter

    def faulty(flow: Any, name: str, *rest: Any) -> Any:
        if name == "Broken":
            raise ZeroDivisionError
        return true_enter(flow, name, *rest)

    monkeypatch.setattr(advance, "enter", faulty)
    broken = bench.start({"Broken": {"Type": "Pass", "End": True}})
    sound = [bench.start({"A": {"Type": "Pass", "End": True}}) for _ in range(5)]
    for run_id in sound:
        assert bench.ended(run_id).status == "SUCCEEDED"
    run = bench.ended(broken)
    assert run.details["details"]["cause"].startswith("internal error")


@pytest.mark.parametrize("method", ["accept", "begin"])
def test_a_provider_that_breaks_fails_its_run_alone(bench: Bench, monkeypatch, method: str):
    def broken(*arguments: Any) -> None:
        raise KeyError("member")

    monkeypatch.setattr(bench.provider, method, broken)
    run_id = bench.start({"A": action_state()})
    assert bench.ended(run_id).status == "FAILED"
    monkeypatch.undo()
    other = bench.start({"A": action_state()})
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {})
    assert bench.ended(other).status == "SUCCEEDED"


def test_an_open_action_whose_provider_is_no_more_fails_at_the_restart(bench: Bench):
    run_id = bench.start({"A": action_state()})
    bench.action()
    bench.close()
    bench.provider.url = "https://scripted.example/other"
    bench.open()
    run = bench.ended(run_id)
    assert run.details["details"]["exception"] == "ActionFailedException"


def test_a_store_that_cannot_be_written_delays_and_loses_nothing(bench: Bench):
    blocker = sqlite3.connect(bench.path, isolation_level=None)
    run_id = bench.start({"A": action_state()})
    action = bench.action()
    bench.store._writer.execute("PRAGMA busy_timeout = 10")
    blocker.execute("BEGIN IMMEDIATE")
    import threading

    ender = threading.Thread(
        target=bench.engine.finish_action, args=(action.id, "SUCCEEDED", {}), daemon=True
    )
    ender.start()
    ender.join(0.3)
    assert ender.is_alive()
    blocker.execute("ROLLBACK")
    assert bench.ended(run_id).status == "SUCCEEDED"
    blocker.close()
