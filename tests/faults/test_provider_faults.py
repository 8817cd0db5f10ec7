"""A provider that answers twice, late, never, or with rubbish."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from headrace.facility.store.actions import Action, ActionResult, ActionTable
from tests.support.facility.scripted_engine import Bench, action_state
from tests.support.waiting import wait_until


def deep(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"in": value}
    return value


@pytest.mark.parametrize(
    ("status", "details", "words"),
    [
        ("SUCCEEDED", {"x": float("nan")}, "details.x: NaN; numbers must be finite"),
        ("SUCCEEDED", {"x": {1, 2}}, "details.x: a Python set, which JSON has not"),
        ("SUCCEEDED", {"x": b"raw"}, "details.x: a Python bytes, which JSON has not"),
        ("SUCCEEDED", {1: 2}, "details: a name that is a number; names must be texts"),
        ("SUCCEEDED", {"x": "y" * 10_000_000}, "at most 1000000 are allowed"),
        ("SUCCEEDED", deep(1000), "nested deeper"),
        ("DONE", {}, "the status 'DONE', which is none of an action"),
        (None, {}, "the status None"),
    ],
)
def test_rubbish_fails_the_action_in_one_line(
    bench: Bench, status: str, details: Any, words: str
) -> None:
    run_id = bench.start({"A": action_state()})
    bench.engine.finish_action(bench.action().id, status, details)
    assert bench.ended(run_id).status == "FAILED"
    document = bench.details(run_id)["details"]["cause"]["details"]
    assert document["code"] == "ActionProviderError"
    assert words in document["description"]
    assert "\n" not in document["description"]


def test_rubbish_at_once_is_no_better(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        bench.provider, "accept", lambda db, action: ActionResult("SUCCEEDED", {"x": {1}})
    )
    run_id = bench.start({"A": action_state()})
    assert bench.ended(run_id).status == "FAILED"
    assert "which JSON has not" in str(bench.details(run_id))


def test_a_result_that_no_payload_can_hold_fails_the_state(bench: Bench) -> None:
    run_id = bench.start({"A": action_state(ResultPath="$.r")})
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {"x": "y" * 300_000})
    assert bench.ended(run_id).status == "FAILED"
    assert "the payload is too large" in bench.details(run_id)["details"]["cause"]


def test_an_answer_before_begin_returns(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(action: Action) -> None:
        bench.provider.begun.append(action)
        bench.engine.finish_action(action.id, "SUCCEEDED", {"early": True})

    monkeypatch.setattr(bench.provider, "begin", begin)
    run_id = bench.start({"A": action_state(ResultPath="$.r")})
    assert bench.payload(run_id)["r"]["details"] == {"early": True}


def test_many_answers_at_once_end_an_action_once(bench: Bench) -> None:
    run_id = bench.start(
        {
            "A": action_state(ResultPath="$.r", Next="B") | {"End": False},
            "B": action_state(ResultPath="$.s"),
        }
    )
    action = bench.action()
    threads = [
        threading.Thread(
            target=bench.engine.finish_action, args=(action.id, "SUCCEEDED", {"by": number})
        )
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bench.engine.finish_action(bench.action(1).id, "SUCCEEDED", {})
    first = bench.payload(run_id)["r"]["details"]["by"]
    stored = ActionTable(bench.store).get(action.id)
    assert stored is not None
    assert stored.details == {"by": first}
    assert len(bench.provider.begun) == 2


def test_an_answer_after_the_time_limit_changes_nothing(bench: Bench) -> None:
    catch = [{"ErrorEquals": ["ActionTimeout"], "ResultPath": "$.e", "Next": "B"}]
    late = action_state(WaitTime=1, Catch=catch, ResultPath="$.r", Next="B") | {"End": False}
    run_id = bench.start({"A": late, "B": action_state(ResultPath="$.s")})
    wait_until(lambda: bench.provider.cancelled, "the time limit")
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {"late": True})
    bench.engine.finish_action(bench.action(1).id, "SUCCEEDED", {"second": True})
    payload = bench.payload(run_id)
    assert "r" not in payload
    assert payload["e"]["exception"] == "ActionTimeout"
    assert payload["s"]["details"] == {"second": True}


def test_an_answer_after_the_cancellation_changes_nothing(bench: Bench) -> None:
    run_id = bench.start({"A": action_state()})
    action = bench.action()
    bench.engine.changes.cancel_run(run_id)
    bench.engine.finish_action(action.id, "SUCCEEDED", {})
    assert bench.run(run_id).status == "FAILED"
    assert bench.codes(run_id)[-1] == "FlowCanceled"


def test_an_answer_for_an_action_that_is_not_there(bench: Bench) -> None:
    bench.engine.finish_action("nothing", "SUCCEEDED", {})
    run_id = bench.start({"A": {"Type": "Pass", "End": True}})
    assert bench.ended(run_id).status == "SUCCEEDED"


@pytest.mark.parametrize("method", ["cancel", "resume", "progress"])
def test_a_provider_that_breaks_elsewhere_stops_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*arguments: Any) -> Any:
        raise KeyError("member")

    monkeypatch.setattr(bench.provider, method, broken)
    run_id = bench.start({"A": action_state()})
    bench.action()
    bench.engine.changes.resume_run(run_id)
    bench.engine.changes.cancel_run(run_id)
    other = bench.start({"A": action_state(ResultPath="$.r")})
    bench.engine.finish_action(bench.action(1).id, "SUCCEEDED", {})
    assert bench.ended(other).status == "SUCCEEDED"


def test_an_action_that_is_blocked_shows_and_goes_on(bench: Bench) -> None:
    run_id = bench.start({"A": action_state(ResultPath="$.r")})
    action = bench.action()
    reason = {"code": "ConsentRequired", "description": "no consent", "required_scope": "s"}
    bench.engine.block_action(action.id, reason)
    bench.engine.block_action(action.id, reason)
    assert bench.run(run_id).status == "INACTIVE"
    bench.engine.changes.resume_run(run_id)
    bench.engine.block_action(action.id, {}, blocked=False)
    assert bench.run(run_id).status == "ACTIVE"
    bench.engine.finish_action(action.id, "SUCCEEDED", {})
    assert bench.ended(run_id).status == "SUCCEEDED"
    assert bench.codes(run_id) == [
        "FlowStarted",
        "ActionStarted",
        "ActionInactive",
        "FlowResumed",
        "ActionActive",
        "ActionCompleted",
        "FlowSucceeded",
    ]
