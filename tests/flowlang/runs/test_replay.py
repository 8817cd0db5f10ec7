"""A run is the fold of its events: whatever the flow, whatever happens to it."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace._internal.json_check import json_size
from headrace.flowlang import CallAction, parse_flow
from headrace.flowlang.runs import (
    TERMINAL,
    Accepted,
    Event,
    EventKind,
    Phase,
    Refused,
    RunState,
    RunStepper,
    apply,
    from_snapshot,
    replay,
    run_details,
    run_log,
)
from tests.support.examples import examples
from tests.support.flowlang.run_definitions import BODIES, definitions


class Journey:
    """A run, with what a facility would do for it, at random."""

    def __init__(self, definition: dict[str, Any], body: dict[str, Any], seed: int) -> None:
        self.flow = parse_flow(definition)
        self.random = random.Random(seed)
        started = Event(EventKind.STARTED, 1.0, {"input": body, "state": self.flow.start_at})
        self.events = [started]
        self.position = apply(None, started)
        self.now = 1.0

    def call(self, name: str, sequence: int, called: CallAction) -> Accepted | Refused:
        assert self.flow.kind(name) == "Action"
        json.dumps(called.body)
        choice = self.random.random()
        if choice < 0.2:
            return Refused({"code": "BadActionRequest", "description": "no"})
        return Accepted(f"action {sequence}", self.document() if choice < 0.5 else None)

    def document(self) -> dict[str, Any]:
        status = self.random.choice(["SUCCEEDED", "SUCCEEDED", "FAILED"])
        return {"status": status, "details": {"n": self.random.randint(0, 9)}}

    def turn(self) -> None:
        self.now += 1
        context = {"run_id": "r"}
        stepper = RunStepper(self.flow, self.position, context, self.now, self.call, 7)
        if self.position.phase == Phase.ACTION:
            {
                0: lambda: stepper.end_action(self.document()),
                1: lambda: stepper.time_out_action({"status": "ACTIVE"}),
                2: lambda: stepper.append_event(
                    EventKind.BLOCKED, {"details": {"code": "Consent"}}
                ),
                3: lambda: stepper.append_event(EventKind.UNBLOCKED, {"details": {}}),
            }[self.random.randrange(4)]()
        else:
            stepper.advance(wait_is_over=self.random.random() < 0.8)
        self.events += stepper.events
        self.position = stepper.run_state

    def to_the_end(self) -> RunState:
        for _ in range(40):
            if self.position.phase == Phase.DONE:
                return self.position
            self.turn()
        stepper = RunStepper(self.flow, self.position, {}, self.now, self.call)
        stepper.append_event(EventKind.CANCELED, {})
        self.events += stepper.events
        self.position = stepper.run_state
        return self.position


def journey(definition: dict[str, Any], body: dict[str, Any], seed: int) -> Journey:
    made = Journey(definition, body, seed)
    made.to_the_end()
    return made


@examples(400)
@given(definitions(), BODIES, st.integers(0, 2**32))
def test_a_run_is_the_fold_of_its_events(
    definition: dict[str, Any], body: dict[str, Any], seed: int
) -> None:
    made = journey(definition, body, seed)
    stored = [
        Event(EventKind(str(e.kind)), e.time, json.loads(json.dumps(e.data))) for e in made.events
    ]
    assert replay(stored) == made.position
    assert made.position.status in TERMINAL
    assert made.position.sequence == len(stored)
    assert made.position.payload.size == json_size(made.position.payload.value)
    # From any snapshot on, the rest leads to the same place.
    cut = seed % len(stored)
    if cut:
        snapshot = json.loads(json.dumps(replay(stored[:cut]).to_snapshot()))
        assert replay(stored[cut:], from_snapshot(snapshot)) == made.position


@examples(200)
@given(definitions(), BODIES, st.integers(0, 2**32))
def test_the_log_tells_every_state_from_its_beginning_to_its_end(
    definition: dict[str, Any], body: dict[str, Any], seed: int
) -> None:
    made = journey(definition, body, seed)
    entries = [*run_log(made.flow, made.events)]
    assert entries[0].code == "FlowStarted"
    last = {"SUCCEEDED": {"FlowSucceeded"}, "FAILED": {"FlowFailed", "FlowCanceled"}}
    assert entries[-1].code in last[made.position.status]
    assert run_details(entries[-1])["code"] == entries[-1].code
    within: str | None = None
    for entry in entries:
        name = entry.details.get("state_name")
        if entry.code.endswith("Started") and entry.code != "FlowStarted":
            assert within is None
            within = name
        elif entry.code.endswith("Completed"):
            assert within == name
            within = None
    assert "_private" not in json.dumps([entry.document() for entry in entries])
