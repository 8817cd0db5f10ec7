"""The engine with a scripted provider."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import Any

import pytest

from headrace.facility.store.actions import Action, ActionTable
from tests.support.facility.scripted_engine import Bench, action_state, actions_of
from tests.support.waiting import wait_until


def test_an_action_that_succeeds_becomes_the_result(bench: Bench):
    run_id = bench.start({"A": action_state(ResultPath="$.r")}, {"kept": True})
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {"x": 1})
    payload = bench.payload(run_id)
    assert payload["kept"] is True
    assert payload["r"]["details"] == {"x": 1}


def test_an_action_that_fails_fails_the_run(bench: Bench):
    run_id = bench.start({"A": action_state()})
    bench.engine.finish_action(bench.action().id, "FAILED", {"code": "Bad"})
    assert bench.ended(run_id).status == "FAILED"
    assert bench.details(run_id)["details"]["exception"] == "ActionFailedException"
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
    assert bench.payload(run_id)["r"]["details"] == {"first": True}


def test_an_action_that_takes_too_long_is_cancelled(bench: Bench):
    run_id = bench.start({"A": action_state(WaitTime=1)})
    assert bench.details(run_id)["details"]["exception"] == "ActionTimeout"
    wait_until(lambda: bench.provider.cancelled, "the cancellation")
    assert [a.id for a in bench.provider.cancelled] == [bench.action().id]


def test_a_restart_begins_an_open_action_again_and_stores_no_second_one(bench: Bench):
    run_id = bench.start({"A": action_state(ResultPath="$.r")})
    first = bench.action()
    bench.close()
    bench.open()
    assert bench.action(1).id == first.id
    assert len(actions_of(bench.store, run_id)) == 1
    bench.engine.finish_action(first.id, "SUCCEEDED", {})
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_an_action_that_begins_while_the_engine_starts_is_begun_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    wait = {"Type": "Wait", "Seconds": 1, "Next": "A"}
    run_id = bench.start({"W": wait, "A": action_state(ResultPath="$.r")})
    wait_until(lambda: bench.position(run_id).wake_at, "the wait")
    bench.close()
    list_open = ActionTable.open_ids

    def list_open_late(table: ActionTable) -> list[str]:
        # As slow as a large store; without the engine's thread nothing begins meanwhile.
        deadline = time.monotonic() + 2
        while not bench.provider.begun and time.monotonic() < deadline:
            time.sleep(0.01)
        return list_open(table)

    monkeypatch.setattr(ActionTable, "open_ids", list_open_late)
    bench.open()
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {})
    assert bench.ended(run_id).status == "SUCCEEDED"
    assert len(bench.provider.begun) == 1
    assert bench.provider.cancelled == []


def test_work_of_a_run_that_is_cancelled_before_it_is_begun_is_never_begun(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    begin = bench.engine._begin_action
    held = threading.Event()

    def begin_late(action: Action) -> None:
        bench.engine.changes.cancel_run(action.run_id)
        begin(action)
        held.set()

    monkeypatch.setattr(bench.engine._executor, "_begin_action", begin_late)
    run_id = bench.start({"A": action_state()})
    assert held.wait(120)
    assert bench.provider.begun == []
    wait_until(lambda: actions_of(bench.store, run_id)[0].status == "FAILED", "the action's end")
    assert bench.details(run_id)["code"] == "FlowCanceled"


def test_a_restart_cancels_once_what_no_run_waits_for(bench: Bench):
    run_id = bench.start({"A": action_state(ResultPath="$.r")})
    action = bench.action()
    bench.engine.changes.cancel_run(run_id)
    bench.close()
    bench.open()
    ended = wait_until(lambda: actions_of(bench.store, run_id)[0].completion_time, "its end")
    bench.close()
    bench.open()
    assert actions_of(bench.store, run_id)[0].completion_time == ended
    # By the person who cancelled the run, and by the next process, which cannot know that.
    assert [each.id for each in bench.provider.cancelled] == [action.id] * 2
    assert len(bench.provider.begun) == 1


def test_a_restart_goes_on_with_a_wait(bench: Bench):
    run_id = bench.start({"W": {"Type": "Wait", "Seconds": 1, "End": True}})
    wait_until(lambda: bench.position(run_id).wake_at, "the wait")
    bench.close()
    bench.open()
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_a_wait_counts_by_a_clock_that_nobody_sets_back(bench: Bench, monkeypatch):
    run_id = bench.start({"W": {"Type": "Wait", "Seconds": 1, "End": True}})
    wait_until(lambda: bench.position(run_id).wake_at, "the wait")
    true_time = time.time
    monkeypatch.setattr(time, "time", lambda: true_time() - 3600)
    assert bench.ended(run_id).status == "SUCCEEDED"


@pytest.mark.parametrize("jump", [-3600, 86_400])
def test_a_clock_that_was_set_while_the_facility_was_down(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, jump: int
):
    run_id = bench.start({"W": {"Type": "Wait", "Seconds": 2, "End": True}})
    wait_until(lambda: bench.position(run_id).wake_at, "the wait")
    bench.close()
    true_time = time.time
    monkeypatch.setattr(time, "time", lambda: true_time() + jump)
    bench.open()
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_a_loop_without_a_wait_leaves_others_their_turn(bench: Bench):
    spin = {"Type": "Pass", "Next": "Spin"}
    endless = bench.start({"Spin": spin})
    other = bench.start({"A": {"Type": "Pass", "End": True}})
    assert bench.ended(other).status == "SUCCEEDED"
    bench.engine.changes.cancel_run(endless)
    assert bench.details(endless)["code"] == "FlowCanceled"


def test_a_fault_of_ours_in_one_run_leaves_the_others_alone(bench: Bench, monkeypatch):
    from headrace.flowlang.runs import run_state

    true_enter = run_state.enter

    def faulty(flow: Any, name: str, *rest: Any) -> Any:
        if name == "Broken":
            raise ZeroDivisionError
        return true_enter(flow, name, *rest)

    monkeypatch.setattr(run_state, "enter", faulty)
    broken = bench.start({"Broken": {"Type": "Pass", "End": True}})
    sound = [bench.start({"A": {"Type": "Pass", "End": True}}) for _ in range(5)]
    for run_id in sound:
        assert bench.ended(run_id).status == "SUCCEEDED"
    parked = bench.parked(broken)
    assert parked["code"] == "RunParked"
    assert "ZeroDivisionError" in parked["description"]
    monkeypatch.undo()
    bench.engine.changes.resume_run(broken)
    assert bench.ended(broken).status == "SUCCEEDED"


@pytest.mark.parametrize("method", ["accept", "begin"])
def test_a_provider_that_breaks_stops_its_run_alone(bench: Bench, monkeypatch, method: str):
    def broken(*arguments: Any) -> None:
        raise KeyError("member")

    monkeypatch.setattr(bench.provider, method, broken)
    run_id = bench.start({"A": action_state()})
    if method == "begin":
        assert bench.ended(run_id).status == "FAILED"
    else:
        assert "KeyError: 'member'" in bench.parked(run_id)["description"]
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
    assert bench.details(run_id)["details"]["exception"] == "ActionFailedException"


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


def test_a_full_disk_while_an_action_is_accepted_is_waited_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [sqlite3.SQLITE_FULL]

    def accept(db: sqlite3.Connection, action: Action) -> None:
        if faults:
            # What SQLite itself does where the disk is full.
            db.execute("ROLLBACK")
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = faults.pop()
            raise error

    monkeypatch.setattr(bench.provider, "accept", accept)
    run_id = bench.start({"Ask": action_state()})
    action = bench.action()
    assert bench.run(run_id).status == "ACTIVE"
    bench.engine.finish_action(action.id, "SUCCEEDED", {})
    assert bench.ended(run_id).status == "SUCCEEDED"
