"""A run that failed anywhere ends alike, taken up natively or through the entry of hosted flows."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.flowlang import CallAction, Flow, parse_flow
from headrace.flowlang.resume_entry import resume_input, with_resume_entry
from headrace.flowlang.runs import (
    TERMINAL,
    Accepted,
    Event,
    EventKind,
    LogReplayError,
    Phase,
    RetryError,
    RunState,
    RunStepper,
    SuppliedResult,
    apply,
    last_entry,
    read_run_from_log,
    run_log,
    start_retry,
)
from tests.support.examples import examples
from tests.support.flowlang.run_definitions import BODIES, definitions

CONTEXT = {"run_id": "r"}
# A flow may loop for ever.
MAX_TURNS = 25


def result_of(name: str, called: CallAction, fails: bool) -> dict[str, Any]:
    """An action's document, the same for the same body."""
    text = json.dumps([name, called.body], sort_keys=True)
    number = int(hashlib.sha256(text.encode()).hexdigest()[:4], 16) % 10
    return {"status": "FAILED" if fails else "SUCCEEDED", "details": {"n": number}}


class Runner:
    """Takes runs to their ends; the action of one call fails."""

    def __init__(self, failing: int) -> None:
        self.calls = 0
        self.failing = failing

    def call(self, name: str, sequence: int, called: CallAction) -> Accepted:
        self.calls += 1
        return Accepted(f"a{sequence}", result_of(name, called, self.calls == self.failing))

    def to_the_end(
        self, flow: Flow, events: list[Event], run_state: RunState
    ) -> tuple[list[Event], RunState]:
        for turn in range(MAX_TURNS):
            if run_state.status in TERMINAL:
                break
            stepper = RunStepper(flow, run_state, CONTEXT, 1.0 + turn, self.call, 7)
            stepper.advance(wait_is_over=run_state.phase == Phase.WAIT)
            events, run_state = [*events, *stepper.events], stepper.run_state
        return events, run_state


def started(flow: Flow, body: dict[str, Any]) -> tuple[list[Event], RunState]:
    event = Event(EventKind.STARTED, 1.0, {"input": body, "state": flow.start_at})
    return [event], apply(None, event)


def log_of(flow: Flow, events: list[Event]) -> list[dict[str, Any]]:
    return [entry.document() for entry in run_log(flow, events)]


@examples(150)
@given(definitions(), BODIES, st.integers(1, 6), st.integers(0, 2**32), st.booleans())
def test_a_run_taken_up_through_the_entry_ends_as_a_native_retry(
    definition: dict[str, Any], body: dict[str, Any], failing: int, seed: int, by_hand: bool
) -> None:
    flow = parse_flow(definition)
    resumable, _ = with_resume_entry(definition, {})
    hosted = parse_flow(resumable)
    # The hosted run has the entry, too, and goes past it.
    events, failed = Runner(failing).to_the_end(hosted, *started(hosted, body))
    plain_events, plain_failed = Runner(failing).to_the_end(flow, *started(flow, body))
    if failed.status not in TERMINAL or plain_failed.status not in TERMINAL:
        return
    assert (failed.status, failed.payload) == (plain_failed.status, plain_failed.payload)
    try:
        found = read_run_from_log(definition, flow, log_of(hosted, events))
    except LogReplayError:
        text = json.dumps(definition)
        # It is refused, not guessed, what a log does not show.
        assert "rivate" in text or '"Catch"' in text
        return
    state = random.Random(seed).choice([None, *found.entered])
    name = state or found.last
    supplied = SuppliedResult({"n": 3}) if by_hand else None
    try:
        before = last_entry(plain_events, state)
        native = start_retry(flow, before, "old", 1.0, "me", supplied)
    except RetryError:
        return
    assert found.entered[name] == before.payload
    _, after = native
    _, ended = Runner(0).to_the_end(flow, *native)
    going_on = after.state if after.status not in TERMINAL else ""
    taken_up = resume_input(found.body, going_on, after.payload.value)
    more, hosted_end = Runner(0).to_the_end(hosted, *started(hosted, taken_up))
    if ended.status not in TERMINAL:
        return
    assert (hosted_end.status, hosted_end.payload) == (ended.status, ended.payload)
    # A run that was taken up is read from its log as well.
    again = read_run_from_log(definition, flow, log_of(hosted, more))
    assert again.body == body
    if going_on:
        assert next(iter(again.entered.values())) is not None


CAUGHT = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Action",
            "ActionUrl": "https://x.example",
            "Parameters": {},
            "ResultPath": "$.answer",
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.fault", "Next": "Look"}],
            "Next": "Look",
        },
        "Look": {"Type": "Fail", "Error": "E"},
    },
}


@pytest.mark.parametrize(("failing", "member"), [(1, "fault"), (0, "answer")])
def test_a_failure_that_was_caught_is_where_its_catcher_put_it(failing: int, member: str) -> None:
    flow = parse_flow(CAUGHT)
    events, _ = Runner(failing).to_the_end(flow, *started(flow, {"a": 1}))
    found = read_run_from_log(CAUGHT, flow, log_of(flow, events))
    assert set(found.entered["Look"].value) == {"a", member}


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([], "does not show its input"),
        ([("FlowStarted", {})], "does not show its input"),
        (
            [
                ("FlowStarted", {"input": {}}),
                ("ActionStarted", {"state_name": "Ask"}),
                ("FailStarted", {"state_name": "Look"}),
            ],
            "does not show the result of state Ask",
        ),
        (
            [("FlowStarted", {"input": {}}), ("ActionCompleted", {"state_name": "Ask"})],
            "the end of state Ask, not its beginning",
        ),
        (
            [("FlowStarted", {"input": {}}), ("PassStarted", {"state_name": "Other"})],
            "no state Other",
        ),
    ],
)
def test_what_a_log_does_not_show_is_not_guessed(
    entries: list[tuple[str, dict[str, Any]]], told: str
) -> None:
    log = [{"code": code, "details": details} for code, details in entries]
    with pytest.raises(LogReplayError, match=told):
        read_run_from_log(CAUGHT, parse_flow(CAUGHT), log)


def test_what_logs_leave_out_of_the_input_is_not_guessed() -> None:
    log = [{"code": "FlowStarted", "details": {"input": {}}}]
    schema = {"properties": {"door": {"properties": {"_private_key": {"type": "string"}}}}}
    with pytest.raises(LogReplayError, match="private members"):
        read_run_from_log(CAUGHT, parse_flow(CAUGHT), log, schema)
    states = {**CAUGHT["States"], "Ask": {**CAUGHT["States"]["Ask"], "RunAs": "Curator"}}
    as_role = {**CAUGHT, "States": states}
    with pytest.raises(LogReplayError, match="run as roles"):
        read_run_from_log(as_role, parse_flow(as_role), log)
