"""State of a run: events replayed in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from headrace.flowlang.paths import Path, compile_path
from headrace.flowlang.payload import Payload
from headrace.flowlang.runs.events import Event, EventKind

ACTIVE: Final = "ACTIVE"
INACTIVE: Final = "INACTIVE"
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"
TERMINAL: Final = frozenset({SUCCEEDED, FAILED, "ENDED"})


class Phase:
    """Next step of a run: enter its state, wait for an action or a time, or nothing more."""

    ENTER: Final = "enter"
    ACTION: Final = "action"
    WAIT: Final = "wait"
    DONE: Final = "done"


@dataclass(frozen=True, slots=True)
class RunState:
    """State of a run after some of its events.

    Attributes:
        sequence: number of events so far.
        status: ACTIVE, INACTIVE, SUCCEEDED or FAILED.
        state: name of the present or last state.
        phase: one of :class:`Phase`.
        payload: the state's input; at the end of a run that succeeded, its output.
        action_id: the action that it waits for.
        wake_at: seconds since 1970 at which a Wait ends or an action's time is over.
        seconds: how long that is from the state's beginning; None where a moment was given.
    """

    sequence: int
    status: str
    state: str
    phase: str
    payload: Payload
    action_id: str | None = None
    wake_at: float | None = None
    seconds: float | None = None

    def to_snapshot(self) -> dict[str, Any]:
        """Return the snapshot: the run's state as JSON."""
        return {
            "sequence": self.sequence,
            "status": self.status,
            "state": self.state,
            "phase": self.phase,
            "payload": self.payload.value,
            "action_id": self.action_id,
            "wake_at": self.wake_at,
            "seconds": self.seconds,
        }


def from_snapshot(snapshot: dict[str, Any]) -> RunState:
    """Read the state of a run from its snapshot."""
    return RunState(**{**snapshot, "payload": Payload.of(snapshot["payload"])})


def replay(events: Iterable[Event], initial: RunState | None = None) -> RunState:
    """Apply events in order and return the resulting state of the run.

    Args:
        events: in order; the first of a run is STARTED.
        initial: state of the run before them.
    """
    run_state = initial
    for event in events:
        run_state = apply(run_state, event)
    if run_state is None:
        raise ValueError("a run has at least one event")
    return run_state


def apply(run_state: RunState | None, event: Event, payload: Payload | None = None) -> RunState:
    """Apply one event and return the resulting state of the run.

    Args:
        run_state: state of the run before it; None before the run was started.
        event: what happened.
        payload: the payload after it, where it is known already.
    """
    kind, data = event.kind, event.data
    if run_state is None and kind is EventKind.RECORDED:
        return RunState(1, ACTIVE, "", Phase.DONE, Payload({}, len("{}")))
    if run_state is None:
        return RunState(1, ACTIVE, data["state"], Phase.ENTER, Payload.of(data["input"]))
    at, before = run_state.sequence + 1, run_state.payload
    if kind is EventKind.STEPPED or kind is EventKind.ENDED:
        if payload is None:
            payload = _placed(before, data)
        following = data["next"]
        if following is None:
            return RunState(at, SUCCEEDED, data["state"], Phase.DONE, payload)
        return RunState(at, ACTIVE, following, Phase.ENTER, payload)
    if kind is EventKind.CALLED or kind is EventKind.WAITING:
        return RunState(
            at,
            ACTIVE,
            data["state"],
            Phase.ACTION if kind is EventKind.CALLED else Phase.WAIT,
            before,
            data.get("action_id"),
            data["wake_at"],
            data["seconds"],
        )
    if kind is EventKind.FAILED or kind is EventKind.CANCELED:
        return RunState(at, FAILED, run_state.state, Phase.DONE, before)
    if kind is EventKind.ADOPTED:
        return replace(from_snapshot(data), sequence=at)
    status = {EventKind.BLOCKED: INACTIVE, EventKind.UNBLOCKED: ACTIVE}.get(kind, run_state.status)
    return RunState(
        at,
        status,
        run_state.state,
        run_state.phase,
        before,
        run_state.action_id,
        run_state.wake_at,
        run_state.seconds,
    )


def _placed(before: Payload, data: dict[str, Any]) -> Payload:
    if "path" not in data:
        return before
    return before.place(_reference(data["path"]), data["value"])


@lru_cache(maxsize=4096)
def _reference(text: str) -> Path:
    return compile_path(text)
