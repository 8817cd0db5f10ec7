"""Taking up a run that has ended: from which state, and with what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from headrace._internal.timestamps import format_timestamp
from headrace.flowlang.errors import FlowLanguageError
from headrace.flowlang.model import ActionState, ExpressionEvalState, Flow, PassState
from headrace.flowlang.outcomes import CallAction
from headrace.flowlang.runs.events import Event, Kind
from headrace.flowlang.runs.run_state import FAILED, SUCCEEDED, Phase, Position, apply
from headrace.flowlang.runs.run_stepper import Accepted, Traveller


class RetryError(FlowLanguageError):
    """A run cannot be taken up like this."""


@dataclass(frozen=True)
class Given:
    """The output of a state as a person gives it: of an Action the ``details``."""

    value: Any


def entry_of(events: Iterable[Event], wanted: str | None) -> Position:
    """Return where a run stood when it last entered a state.

    Args:
        events: all that happened to it.
        wanted: the state; by default the one that the run ended in.

    Raises:
        RetryError: it was never in the state, or has succeeded and no state is named.
    """
    position: Position | None = None
    entered: dict[str, Position] = {}
    for event in events:
        position = apply(position, event)
        if position.phase == Phase.ENTER or event.kind is Kind.ADOPTED:
            entered.pop(position.state, None)
            entered[position.state] = position
    if position is None:
        raise RetryError("the run has not begun")
    if wanted is None:
        if position.status == SUCCEEDED:
            raise RetryError("the run has succeeded; say from which state it shall begin")
        wanted = position.state
    if wanted not in entered:
        been = ", ".join(entered)
        raise RetryError(f"the run was never in a state '{wanted}'; it was in: {been}")
    return entered[wanted]


def taken_up(
    flow: Flow,
    before: Position,
    old_run: str,
    now: float,
    creator: str,
    given: Given | None = None,
) -> tuple[list[Event], Position]:
    """Return the first events of a run that takes up another, and where they lead to.

    Args:
        flow: the definition of the new run.
        before: where the old run stood when it entered the state.
        old_run: its id.
        now: seconds since 1970.
        creator: URN of who asks for it.
        given: the state's output, where a person has done its work.

    Raises:
        RetryError: the definition has no such state, or the output cannot be its.
    """
    name = before.state
    if name not in flow.states:
        raise RetryError(f"the flow's present definition has no state '{name}'")
    retry = {"run_id": old_run, "state": name}
    data = {"input": before.payload.value, "state": name, "retry": retry}
    event = Event(Kind.STARTED, now, data)
    position = apply(None, event)
    if given is None:
        return [event], position
    traveller = Traveller(flow, position, {}, now, _call_nothing, max_states=0)
    traveller.supplied(_result(flow, name, given.value, creator, now))
    if traveller.position.status == FAILED:
        error = traveller.events[-1].data["error"]
        raise RetryError(f"the result cannot be taken: {error['cause']}")
    return [event, *traveller.events], traveller.position


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
