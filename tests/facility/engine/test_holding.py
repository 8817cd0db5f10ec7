"""Runs that are held: they end their present state and enter no further one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from headrace.facility.engine.run_retry import Retry
from tests.support.facility.live_facility import LiveFacility
from tests.support.facility.scripted_engine import Bench, action_state
from tests.support.waiting import wait_until

PASS = {"Type": "Pass", "End": True}
LATER = {"Type": "Wait", "Seconds": 3600, "Next": "P"}


def hold(bench: Bench, run_id: str) -> None:
    bench.engine.changes.set_held([run_id], True)


def release(bench: Bench, run_id: str) -> None:
    bench.engine.changes.set_held([run_id], False)


def waiting_at(bench: Bench, run_id: str, state: str) -> None:
    wait_until(lambda: bench.position(run_id).state == state, f"the run to reach {state}")
    # A second run, begun and ended since, shows that the engine has had its time.
    bench.ended(bench.start({"P": PASS}))
    assert (bench.position(run_id).state, bench.position(run_id).phase) == (state, "enter")
    assert bench.run(run_id).completion_time is None


def two_actions(**more: Any) -> dict[str, Any]:
    first = {**action_state(ResultPath="$.r", **more), "Next": "B"}
    del first["End"]
    return {"A": first, "B": action_state(ResultPath="$.s")}


def test_the_present_action_ends_and_no_other_begins(bench: Bench) -> None:
    run_id = bench.start(two_actions())
    first = bench.action()
    hold(bench, run_id)
    bench.engine.finish_action(first.id, "SUCCEEDED", {"x": 1})
    waiting_at(bench, run_id, "B")
    assert len(bench.provider.begun) == 1
    assert bench.run(run_id).status == "ACTIVE"
    release(bench, run_id)
    bench.engine.finish_action(bench.action(1).id, "SUCCEEDED", {})
    assert bench.payload(run_id)["r"]["details"] == {"x": 1}
    assert len(bench.provider.begun) == 2
    assert bench.codes(run_id).count("ActionStarted") == 2


def test_a_hold_lasts_over_restarts_and_is_released_by_a_later_process(bench: Bench) -> None:
    run_id = bench.start(two_actions())
    first = bench.action()
    hold(bench, run_id)
    since = bench.run(run_id).held_at
    bench.close()
    bench.open()
    assert bench.action(1).id == first.id  # what was under way is begun again
    bench.engine.finish_action(first.id, "SUCCEEDED", {})
    waiting_at(bench, run_id, "B")
    hold(bench, run_id)
    bench.close()
    bench.open()
    waiting_at(bench, run_id, "B")
    assert bench.run(run_id).held_at == since
    release(bench, run_id)
    bench.engine.finish_action(bench.action(2).id, "SUCCEEDED", {})
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_the_time_of_an_action_goes_on_and_ends_its_state_alone(bench: Bench) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "B"}]
    run_id = bench.start(two_actions(WaitTime=1, Catch=catch))
    bench.action()
    hold(bench, run_id)
    waiting_at(bench, run_id, "B")
    assert [each.id for each in bench.provider.cancelled] == [bench.action().id]
    release(bench, run_id)
    bench.engine.finish_action(bench.action(1).id, "SUCCEEDED", {})
    assert "e" in bench.payload(run_id)


def test_a_wait_ends_in_its_time_and_a_held_run_sets_no_timer_after_it(bench: Bench) -> None:
    run_id = bench.start({"W": {**LATER, "Seconds": 1}, "P": PASS})
    wait_until(lambda: bench.position(run_id).wake_at, "the wait")
    hold(bench, run_id)
    waiting_at(bench, run_id, "P")
    assert bench.run(run_id).number not in bench.engine._timers
    release(bench, run_id)
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_a_release_before_the_end_of_a_wait_does_not_end_it(bench: Bench) -> None:
    run_id = bench.start({"W": LATER, "P": PASS})
    wake_at = wait_until(lambda: bench.position(run_id).wake_at, "the wait")
    hold(bench, run_id)
    release(bench, run_id)
    bench.ended(bench.start({"P": PASS}))
    assert bench.position(run_id).wake_at == wake_at
    assert bench.run(run_id).number in bench.engine._timers


def test_a_held_run_is_cancelled_and_its_retry_is_not_held(bench: Bench) -> None:
    run_id = bench.start({"W": {**LATER, "Seconds": 0}, "P": action_state()})
    bench.action()
    hold(bench, run_id)
    bench.engine.changes.cancel_run(run_id)
    run = bench.ended(run_id)
    assert (run.status, run.held_at) == ("FAILED", None)
    hold(bench, run_id)  # one that has ended stays as it is
    retry = bench.engine.changes.retry_run(run_id, Retry())
    bench.engine.finish_action(bench.action(1).id, "SUCCEEDED", {})
    assert bench.ended(retry.id).status == "SUCCEEDED"


def test_a_hold_that_was_answered_lasts_over_a_kill(start: Callable[[], LiveFacility]) -> None:
    first = start()
    flow_id = first.deploy(
        {"StartAt": "W", "States": {"W": {**LATER, "Seconds": 2}, "P": PASS}},
    )
    run_id = first.start(flow_id, {})
    wait_until(lambda: len(first.codes(run_id)) == 2, "the wait")
    body = {"filters": {"run_ids": [run_id]}, "set": {"status": "hold"}}
    first.services.flows.post("/batch/runs", data=body)
    os.kill(first.address.pid, signal.SIGKILL)
    second = start()

    wait_until(lambda: len(second.codes(run_id)) > 2, "the end of the wait")
    found = second.services.read(f"/runs/{run_id}")
    assert found["status"] == "ACTIVE"
    assert found["held_at"]
    body["set"] = {"status": "release"}
    second.services.flows.post("/batch/runs", data=body)
    assert second.wait(run_id)["status"] == "SUCCEEDED"
