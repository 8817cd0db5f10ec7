"""Retry of a run that has ended: the state that it starts from, and its first events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from headrace._internal.timestamps import format_timestamp
from headrace.flowlang.errors import FlowLanguageError
from headrace.flowlang.model import ActionState, ExpressionEvalState, Flow, PassState
from headrace.flowlang.outcomes import CallAction
from headrace.flowlang.runs.events import Event, EventKind
from headrace.flowlang.runs.run_state import (
    FAILED,
    SUCCEEDED,
    Accepted,
    Phase,
    RunState,
    RunStepper,
    apply,
)


class RetryError(FlowLanguageError):
    """A run cannot be retried like this."""


@dataclass(frozen=True)
class SuppliedResult:
    """Output of a state that a person supplies: of an Action the ``details``."""

    value: Any


def last_entry(events: Iterable[Event], state_name: str | None) -> RunState:
    """Return the state of a run when it last entered a state of its flow.

    Args:
        events: all that happened to it.
        state_name: the flow's state; by default the one that the run ended in.

    Raises:
        RetryError: it was never in the state, or has succeeded and no state is named.
    """
    run_state: RunState | None = None
    entered: dict[str, RunState] = {}
    for event in events:
        run_state = apply(run_state, event)
        if run_state.phase == Phase.ENTER or event.kind is EventKind.ADOPTED:
            entered.pop(run_state.state, None)
            entered[run_state.state] = run_state
    if run_state is None:
        raise RetryError("the run has not started")
    if state_name is None:
        if run_state.status == SUCCEEDED:
            raise RetryError("the run has succeeded; say from which state it shall begin")
        state_name = run_state.state
    if state_name not in entered:
        been = ", ".join(entered)
        raise RetryError(f"the run was never in a state '{state_name}'; it was in: {been}")
    return entered[state_name]


def start_retry(
    flow: Flow,
    entered: RunState,
    retried_run_id: str,
    now: float,
    creator: str,
    supplied: SuppliedResult | None = None,
) -> tuple[list[Event], RunState]:
    """Return the first events of a run that retries another, and the state that they lead to.

    Args:
        flow: the definition of the new run.
        entered: state of the old run when it entered the flow's state.
        retried_run_id: the old run.
        now: seconds since 1970.
        creator: URN of who asks for it.
        supplied: the state's output, where a person has done its work.

    Raises:
        RetryError: the definition has no such state, or the output cannot be its.
    """
    name = entered.state
    if name not in flow.states:
        raise RetryError(f"the flow's present definition has no state '{name}'")
    retry = {"run_id": retried_run_id, "state": name}
    data = {"input": entered.payload.value, "state": name, "retry": retry}
    event = Event(EventKind.STARTED, now, data)
    run_state = apply(None, event)
    if supplied is None:
        return [event], run_state
    stepper = RunStepper(flow, run_state, {}, now, _call_nothing, max_states=0)
    stepper.supply_result(_result(flow, name, supplied.value, creator, now))
    if stepper.run_state.status == FAILED:
        error = stepper.events[-1].data["error"]
        raise RetryError(f"the result cannot be taken: {error['cause']}")
    return [event, *stepper.events], stepper.run_state


def _result(flow: Flow, name: str, value: Any, creator: str, moment: float) -> Any:
    state = flow.states[name]
    if isinstance(state, ActionState):
        if state.bare:
            return value
        return {
            "action_id": None,
            "status": SUCCEEDED,
            "display_status": SUCCEEDED,
            "creator_id": creator,
            "details": value,
            "label": None,
            "manage_by": [],
            "monitor_by": [],
            "release_after": None,
            "start_time": format_timestamp(moment),
            "completion_time": format_timestamp(moment),
            "state_name": name,
        }
    if isinstance(state, ExpressionEvalState | PassState):
        return value
    raise RetryError(f"state '{name}' is a {flow.kind(name)}: it has no result to be given")


def _call_nothing(name: str, sequence: int, call: CallAction) -> Accepted:
    raise AssertionError(f"{name}: nothing is called while a result is placed")
