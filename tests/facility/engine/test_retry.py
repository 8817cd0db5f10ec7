"""Taking up a run that has ended."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.facility.engine.run_retry import Retry
from headrace.facility.errors import NotFound, StateConflict
from headrace.facility.store.flows import FlowTable
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import SuppliedResult
from tests.support.facility.scripted_engine import Bench, action_state

THREE: dict[str, Any] = {
    "Count": {
        "Type": "ExpressionEval",
        "Parameters": {"n.=": "n + 1"},
        "ResultPath": "$",
        "Next": "Work",
    },
    "Work": action_state(Parameters={"n.$": "$.n"}, ResultPath="$.work", Next="Last", End=None),
    "Last": {"Type": "Pass", "End": True},
}
THREE["Work"].pop("End")


def failed(bench: Bench, states: dict[str, Any] | None = None) -> str:
    run_id = bench.start(states or THREE, {"n": 1})
    bench.engine.finish_action(bench.action().id, "FAILED", {"code": "NodeFailure"})
    assert bench.ended(run_id).status == "FAILED"
    return run_id


def test_a_retry_begins_at_the_failed_state_with_its_input(bench: Bench) -> None:
    old = failed(bench)
    new = bench.engine.changes.retry_run(old, Retry()).id
    assert bench.action(1).body == {"n": 2}
    bench.engine.finish_action(bench.action(1).id, "SUCCEEDED", {"ok": True})
    assert bench.payload(new)["work"]["details"] == {"ok": True}
    assert bench.codes(new) == [
        "FlowStarted",
        "ActionStarted",
        "ActionCompleted",
        "PassStarted",
        "PassCompleted",
        "FlowSucceeded",
    ]
    assert bench.run(new).metadata["retry_of"] == {"run_id": old, "state": "Work"}
    assert bench.run(old).status == "FAILED"


def test_a_retry_can_begin_at_an_earlier_state(bench: Bench) -> None:
    new = bench.engine.changes.retry_run(failed(bench), Retry(state="Count")).id
    assert bench.action(1).body == {"n": 2}
    assert bench.codes(new)[1] == "ExpressionEvalStarted"


def test_a_result_given_by_hand_stands_for_the_state(bench: Bench) -> None:
    old = failed(bench)
    retry = Retry(given_output=SuppliedResult({"model": "mine"}))
    new = bench.engine.changes.retry_run(old, retry).id
    work = bench.payload(new)["work"]
    assert (work["details"], work["status"]) == ({"model": "mine"}, "SUCCEEDED")
    assert len(bench.provider.begun) == 1
    entries = RunTable(bench.store).log_page(new, 100).entries
    assert entries[1].code == "ActionCompleted"
    assert entries[1].details["by_hand"] is True


def test_a_result_by_hand_of_the_last_state_ends_the_run_at_once(bench: Bench) -> None:
    old = failed(bench, {"Work": action_state(ResultPath="$.work")})
    new = bench.engine.changes.retry_run(old, Retry(given_output=SuppliedResult(None)))
    assert new.status == "SUCCEEDED"
    assert bench.codes(new.id)[-1] == "FlowSucceeded"


def test_the_last_entry_of_a_state_in_a_loop_counts(bench: Bench) -> None:
    more = {"Variable": "$.n", "NumericLessThan": 4, "Next": "Count"}
    states = {
        "Count": THREE["Count"] | {"Next": "More"},
        "More": {"Type": "Choice", "Choices": [more], "Default": "Work"},
        "Work": action_state(Parameters={"n.$": "$.n"}),
    }
    old = failed(bench, states)
    bench.engine.changes.retry_run(old, Retry(state="Count"))
    assert bench.action(1).body == {"n": 4}


def test_a_run_that_succeeded_needs_a_state(bench: Bench) -> None:
    run_id = bench.start({"A": {"Type": "Pass", "End": True}})
    bench.ended(run_id)
    with pytest.raises(StateConflict, match="say from which state"):
        bench.engine.changes.retry_run(run_id, Retry())
    assert (
        bench.ended(bench.engine.changes.retry_run(run_id, Retry(state="A")).id).status
        == "SUCCEEDED"
    )


def test_a_cancelled_run_is_taken_up_where_it_was(bench: Bench) -> None:
    run_id = bench.start(THREE, {"n": 1})
    bench.action()
    bench.engine.changes.cancel_run(run_id)
    bench.engine.changes.retry_run(run_id, Retry())
    assert bench.action(1).state_name == "Work"


def test_what_cannot_be_taken_up_is_said_and_starts_nothing(bench: Bench) -> None:
    going_on = bench.start(THREE, {"n": 1})
    bench.action()
    with pytest.raises(StateConflict, match="cancel it before"):
        bench.engine.changes.retry_run(going_on, Retry())
    bench.engine.changes.cancel_run(going_on)
    with pytest.raises(StateConflict, match="never in a state 'Lost'; it was in: Count, Work"):
        bench.engine.changes.retry_run(going_on, Retry(state="Lost"))
    large = Retry(given_output=SuppliedResult({"text": "x" * 300_000}))
    with pytest.raises(StateConflict, match="too large"):
        bench.engine.changes.retry_run(going_on, large)
    with pytest.raises(NotFound):
        bench.engine.changes.retry_run("nothing", Retry())
    assert len(RunTable(bench.store).list_open()) == 0


def test_a_request_that_is_repeated_starts_one_run(bench: Bench) -> None:
    old = failed(bench)
    ids = {bench.engine.changes.retry_run(old, Retry(request_id="r")).id for _ in range(3)}
    assert len(ids) == 1


def test_the_latest_definition_can_be_used(bench: Bench) -> None:
    old = failed(bench)
    flows = FlowTable(bench.store)
    flow = flows.get(bench.run(old).flow_id)
    states = THREE | {"Work": {"Type": "Pass", "Next": "Last"}}
    mended = flows.update(flow.id, {"definition": {"StartAt": "Count", "States": states}})
    new = bench.engine.changes.retry_run(old, Retry(flow=mended)).id
    assert bench.ended(new).status == "SUCCEEDED"
    gone = flows.update(
        flow.id, {"definition": {"StartAt": "Last", "States": {"Last": states["Last"]}}}
    )
    with pytest.raises(StateConflict, match="no state 'Work'"):
        bench.engine.changes.retry_run(old, Retry(flow=gone))
