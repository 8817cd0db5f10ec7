"""The step function: a state and a payload in, what is to happen out. It reads no clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from headrace.flowlang import limits
from headrace.flowlang.choice import MissingVariableError
from headrace.flowlang.errors import ExpressionError, PathError
from headrace.flowlang.model import (
    ActionState,
    ChoiceState,
    ExpressionEvalState,
    FailState,
    Flow,
    PassState,
    State,
    WaitState,
)
from headrace.flowlang.outcomes import CallAction, Change, Failed, Moved, Outcome, Sleep, StateError
from headrace.flowlang.parameters import ParameterError
from headrace.flowlang.paths import MISSING, Path
from headrace.flowlang.payload import Payload, TooLargeError, check_body
from headrace.flowlang.timestamps import parse_timestamp

Context = Mapping[str, Any]

PlacingState = ActionState | ExpressionEvalState | PassState
PLACING = (ActionState, ExpressionEvalState, PassState)

_FAULTS = (ParameterError, ExpressionError, MissingVariableError, TooLargeError)


def enter(flow: Flow, state_name: str, payload: Payload, context: Context) -> Outcome:
    """Begin a state.

    Args:
        flow: the checked flow.
        state_name: the state.
        payload: its input; never changed.
        context: what ``$._context`` shows.

    Returns:
        Moved, where the state is over at once; CallAction or Sleep, where it waits; Failed.
    """
    state = flow.states[state_name]
    try:
        return _enter(state, payload, context)
    except _FAULTS as error:
        fault = StateError(limits.RUNTIME_ERROR, str(error), state_name)
    except PathError as error:
        fault = StateError(limits.RESULT_PATH_ERROR, str(error), state_name)
    return raise_in(flow, state_name, payload, fault)


def complete_action(
    flow: Flow, state_name: str, payload: Payload, document: dict[str, Any]
) -> Outcome:
    """End an Action state whose action has ended.

    A state that is addressed to a registered API has its answer alone for a result. Where it
    failed, the answer names the exception and its cause.

    Args:
        flow: the checked flow.
        state_name: the state.
        payload: its input.
        document: the action's last status document.
    """
    state = flow.states[state_name]
    if not isinstance(state, ActionState):
        raise TypeError(f"{state_name} is no Action")
    failed = document.get("status") != "SUCCEEDED"
    if state.bare:
        if failed:
            error = _api_error(document.get("details"), state_name)
            if state.raises or error.exception == limits.API_ERROR:
                return raise_in(flow, state_name, payload, error)
        return supply(flow, state_name, payload, document["details"])
    result = {**document, "state_name": state_name}
    if failed and state.raises:
        error = StateError("ActionFailedException", result, state_name)
        return raise_in(flow, state_name, payload, error)
    return supply(flow, state_name, payload, result)


def _api_error(details: Any, state_name: str) -> StateError:
    """Return the failure that a registered API's template describes."""
    if isinstance(details, dict) and isinstance(details.get("exception"), str):
        more = {
            name: value for name, value in details.items() if name not in ("exception", "cause")
        }
        return StateError(details["exception"], details.get("cause"), state_name, more)
    return StateError(limits.API_ERROR, details, state_name)


def supply(flow: Flow, state_name: str, payload: Payload, result: Any) -> Outcome:
    """End a state with a result that is given, whoever worked it out.

    Args:
        flow: the checked flow.
        state_name: the state; one that has a ResultPath.
        payload: its input.
        result: what is put at the ResultPath.
    """
    state = flow.states[state_name]
    if not isinstance(state, PLACING):
        raise TypeError(f"{state_name} has no result")
    try:
        return _placed(state, payload, result)
    except PathError as error:
        fault = StateError(limits.RESULT_PATH_ERROR, str(error), state_name)
    except TooLargeError as error:
        fault = StateError(limits.RUNTIME_ERROR, str(error), state_name)
    return raise_in(flow, state_name, payload, fault)


def complete_wait(flow: Flow, state_name: str, payload: Payload) -> Outcome:
    """End a Wait state whose time has come."""
    return Moved(flow.states[state_name].next, payload)


def raise_in(flow: Flow, state_name: str, payload: Payload, error: StateError) -> Outcome:
    """Leads a failure to the first catcher that takes it, or to the end of the run."""
    state = flow.states[state_name]
    catchers = state.catch if isinstance(state, ActionState) else ()
    for catcher in catchers:
        everything = catcher.errors & limits.CATCH_ALL
        named = error.exception in catcher.errors
        if named or (everything and error.exception not in limits.NOT_IN_CATCH_ALL):
            document = error.document()
            try:
                caught = payload.place(catcher.result_path, document)
            except PathError as fault:
                return Failed(StateError(limits.RESULT_PATH_ERROR, str(fault), state_name))
            except TooLargeError as fault:
                return Failed(StateError(limits.RUNTIME_ERROR, str(fault), state_name))
            return Moved(catcher.next, caught, Change(catcher.result_path, document), error)
    return Failed(error)


def _enter(state: State, payload: Payload, context: Context) -> Outcome:
    match state:
        case ActionState():
            return _call(state, payload, context)
        case ExpressionEvalState():
            return _placed(state, payload, state.parameters.evaluate(payload.value, context))
        case PassState():
            return _passed(state, payload, context)
        case ChoiceState():
            return _choose(state, payload, context)
        case WaitState():
            return _wait(state, payload, context)
        case FailState():
            error = _text(state.error, payload, context) or limits.DEFAULT_FAIL_ERROR
            cause = _text(state.cause, payload, context) or ""
            return Failed(StateError(error, cause, state.name))
    raise TypeError(f"{state.name}: a state of no known type")


def _call(state: ActionState, payload: Payload, context: Context) -> CallAction:
    if state.parameters is not None:
        body = state.parameters.evaluate(payload.value, context)
    else:
        body = _required(state.input_path, "InputPath", payload, context)
    if not isinstance(body, dict):
        raise ParameterError("the body of an action must be an object; InputPath leads to none")
    check_body(body)
    return CallAction(
        url=state.url,
        scope=state.scope,
        run_as=state.run_as,
        body=body,
        wait_time=state.wait_time,
        private=state.private,
    )


def _passed(state: PassState, payload: Payload, context: Context) -> Moved:
    if state.result is not None:
        return _placed(state, payload, state.result)
    if state.parameters is not None:
        return _placed(state, payload, state.parameters.evaluate(payload.value, context))
    if state.input_path is not None:
        result = _required(state.input_path, "InputPath", payload, context)
        return _placed(state, payload, result)
    if not state.result_path.steps:
        return Moved(state.next, payload)
    return _placed(state, payload, payload.value)


def _choose(state: ChoiceState, payload: Payload, context: Context) -> Outcome:
    for rule, following in state.rules:
        if rule.matches(payload.value, context):
            return Moved(following, payload)
    if state.default is not None:
        return Moved(state.default, payload)
    cause = f"No rule of the state '{state.name}' matched, and it has no Default."
    return Failed(StateError(limits.NO_CHOICE_ERROR, cause, state.name))


def _wait(state: WaitState, payload: Payload, context: Context) -> Sleep:
    if state.seconds is not None:
        return Sleep(seconds=max(0.0, state.seconds))
    if state.timestamp is not None:
        return Sleep(until=state.timestamp)
    if state.seconds_path is not None:
        seconds = _required(state.seconds_path, "SecondsPath", payload, context)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ParameterError(f"SecondsPath leads to {seconds!r}, which is no number")
        if seconds > limits.MAX_WAIT_SECONDS:
            raise ParameterError(
                f"SecondsPath leads to more than {limits.MAX_WAIT_SECONDS} seconds, a year"
            )
        return Sleep(seconds=max(0.0, float(seconds)))
    moment = _required(state.timestamp_path, "TimestampPath", payload, context)
    until = parse_timestamp(moment)
    if until is None:
        raise ParameterError(f"TimestampPath leads to {moment!r}, which is no time with a zone")
    return Sleep(until=until)


def _required(path: Path | None, field: str, payload: Payload, context: Context) -> Any:
    value = path.resolve(payload.value, context) if path is not None else MISSING
    if value is MISSING:
        text = path.text if path is not None else ""
        raise ParameterError(
            f"The path '{text}' specified for the field '{field}' "
            "could not be found in the state input."
        )
    return value


def _text(value: str | Path | None, payload: Payload, context: Context) -> str | None:
    if not isinstance(value, Path):
        return value
    found = _required(value, "ErrorPath or CausePath", payload, context)
    return found if isinstance(found, str) else json.dumps(found)


def _placed(state: PlacingState, payload: Payload, result: Any) -> Moved:
    path = state.result_path
    return Moved(state.next, payload.place(path, result), Change(path, result))
