"""Log of a run in the service's words, made from its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace._internal.timestamps import format_timestamp
from headrace.flowlang.json_values import without_private
from headrace.flowlang.model import Flow
from headrace.flowlang.runs.events import Event, EventKind
from headrace.flowlang.runs.run_state import SUCCEEDED, RunState, apply

_SUCCESS: Final = "The Flow run reached a successful completion state"
# What the log says beside the state's own line when an action brought a failure.
_ACTION_FAILURES: Final = {
    "ActionFailedException": ("ActionFailed", "Action of state {} failed"),
    "ActionUnableToRun": ("ActionFailed", "Action of state {} failed"),
    "ActionTimeout": ("ActionTimeout", "Action of state {} exceeded its WaitTime"),
}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a run's log.

    Attributes:
        code: such as ``ActionStarted``.
        description: a sentence.
        details: what belongs to it, without private members.
        time: when it happened, seconds since 1970.
    """

    code: str
    description: str
    details: dict[str, Any]
    time: float

    def document(self) -> dict[str, Any]:
        """Return the entry as the service writes it."""
        return {
            "time": format_timestamp(self.time),
            "code": self.code,
            "description": self.description,
            "details": self.details,
        }


def run_log(flow: Flow, events: Iterable[Event]) -> Iterator[LogEntry]:
    """Yield the log that a run's events make, from the first event on."""
    run_state: RunState | None = None
    for event in events:
        following = apply(run_state, event)
        yield from event_log_entries(flow, run_state, event, following)
        run_state = following


def event_log_entries(
    flow: Flow, before: RunState | None, event: Event, after: RunState
) -> Iterator[LogEntry]:
    """Yield the lines that one event makes.

    Args:
        flow: the run's definition.
        before: state of the run before the event.
        event: what happened.
        after: state of the run after it.
    """
    kind, data, time = event.kind, event.data, event.time
    if kind is EventKind.RECORDED:
        yield LogEntry(data["code"], data["description"], data["details"], time)
        return
    if before is None:
        yield started_entry(data, time)
        return
    match kind:
        case EventKind.STEPPED | EventKind.ENDED:
            if kind is EventKind.STEPPED:
                yield _state_started(flow, data["state"], before.payload.value, time)
            yield from _left(flow, before, data, time)
            if after.status == SUCCEEDED:
                output = without_private(after.payload.value)
                text = "The Flow Instance completed successfully"
                yield LogEntry("FlowSucceeded", text, {"output": output}, time)
        case EventKind.WAITING:
            yield _state_started(flow, data["state"], before.payload.value, time)
        case EventKind.CALLED:
            yield _state_started(flow, data["state"], data["body"], time)
        case EventKind.FAILED:
            name, error = data["state"], data["error"]
            if data.get("began"):
                yield _state_started(flow, name, before.payload.value, time)
            yield from _action_failure(error["exception"], name, error, time)
            text = f"State {name} failed: {error['exception']}"
            yield LogEntry("FlowFailed", text, without_private(error), time)
        case EventKind.CANCELED:
            text = "The Flow Instance was canceled by the user"
            yield LogEntry("FlowCanceled", text, {}, time)
        case EventKind.BLOCKED:
            text = f"Action of state {before.state} is inactive"
            shown = {"state_name": before.state, "details": without_private(data["details"])}
            yield LogEntry("ActionInactive", text, shown, time)
        case EventKind.UNBLOCKED:
            text = f"Action of state {before.state} is active"
            yield LogEntry("ActionActive", text, {"state_name": before.state}, time)
        case EventKind.RESUMED:
            yield LogEntry("FlowResumed", "The Flow Instance was resumed by the user", {}, time)


def started_entry(data: Mapping[str, Any], time: float) -> LogEntry:
    """Return the line that the first event of a run makes, from the event's data."""
    details: dict[str, Any] = {"input": without_private(data["input"])}
    if "retry" in data:
        details["retry_of"] = data["retry"]
    return LogEntry("FlowStarted", "The Flow Instance started execution", details, time)


def run_details(entry: LogEntry) -> dict[str, Any]:
    """Return the ``details`` of a run's document, of which this is the last log entry."""
    details = entry.details
    if entry.code == "FlowStarted":
        text = "The Flow is starting execution"
        return {"code": "FlowStarting", "description": text, "details": details}
    if entry.code == "FlowSucceeded":
        return {"code": entry.code, "description": _SUCCESS, "output": details["output"]}
    if entry.code == "FlowFailed":
        return {"code": entry.code, "description": entry.description, "details": details}
    return entry.document()


def _state_started(flow: Flow, name: str, shown: Any, time: float) -> LogEntry:
    kind = flow.kind(name)
    details = {
        "state_name": name,
        "state_type": kind,
        "input": without_private(shown, flow.private(name)),
    }
    return LogEntry(f"{kind}Started", f"State {name} of type {kind} started", details, time)


def _left(flow: Flow, before: RunState, data: dict[str, Any], time: float) -> Iterator[LogEntry]:
    name = data["state"]
    output = data["value"] if "path" in data else before.payload.value
    if "error" in data:
        yield from _action_failure(data["error"], name, output, time)
    kind = flow.kind(name)
    details = {
        "state_name": name,
        "state_type": kind,
        "output": without_private(output, flow.private(name)),
    }
    if data.get("by_hand"):
        details["by_hand"] = True
    yield LogEntry(f"{kind}Completed", f"State {name} of type {kind} completed", details, time)


def _action_failure(exception: str, name: str, error: Any, time: float) -> Iterator[LogEntry]:
    known = _ACTION_FAILURES.get(exception)
    if known is not None:
        code, text = known
        shown = {"state_name": name, "output": without_private(error["cause"])}
        yield LogEntry(code, text.format(name), shown, time)
