"""Where a run stands: the fold of its events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from headrace.flowlang.paths import Path, compile_path
from headrace.flowlang.payload import Payload
from headrace.flowlang.runs.events import Event, Kind

ACTIVE: Final = "ACTIVE"
INACTIVE: Final = "INACTIVE"
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"
TERMINAL: Final = frozenset({SUCCEEDED, FAILED, "ENDED"})


class Phase:
    """What a run does next: enter its state, wait for an action or a time, or nothing more."""

    ENTER: Final = "enter"
    ACTION: Final = "action"
    WAIT: Final = "wait"
    DONE: Final = "done"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands.

    Attributes:
        sequence: number of events that led here.
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

    def document(self) -> dict[str, Any]:
        """Return the position as JSON, for a snapshot."""
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


def restored(document: dict[str, Any]) -> Position:
    """Make a position of its document."""
    return Position(**{**document, "payload": Payload.of(document["payload"])})


def fold(events: Iterable[Event], position: Position | None = None) -> Position:
    """Return where events lead to.

    Args:
        events: in order; the first of a run is STARTED.
        position: where the run stood before them.
    """
    for event in events:
        position = apply(position, event)
    if position is None:
        raise ValueError("a run has at least one event")
    return position


def apply(position: Position | None, event: Event, payload: Payload | None = None) -> Position:
    """Return where one event leads to.

    Args:
        position: where the run stood; None before it was started.
        event: what happened.
        payload: the payload after it, where it is known already.
    """
    kind, data = event.kind, event.data
    if position is None and kind is Kind.RECORDED:
        return Position(1, ACTIVE, "", Phase.DONE, Payload({}, len("{}")))
    if position is None:
        return Position(1, ACTIVE, data["state"], Phase.ENTER, Payload.of(data["input"]))
    at, before = position.sequence + 1, position.payload
    if kind is Kind.STEPPED or kind is Kind.ENDED:
        if payload is None:
            payload = _placed(before, data)
        following = data["next"]
        if following is None:
            return Position(at, SUCCEEDED, data["state"], Phase.DONE, payload)
        return Position(at, ACTIVE, following, Phase.ENTER, payload)
    if kind is Kind.CALLED or kind is Kind.WAITING:
        return Position(
            at,
            ACTIVE,
            data["state"],
            Phase.ACTION if kind is Kind.CALLED else Phase.WAIT,
            before,
            data.get("action_id"),
            data["wake_at"],
            data["seconds"],
        )
    if kind is Kind.FAILED or kind is Kind.CANCELED:
        return Position(at, FAILED, position.state, Phase.DONE, before)
    if kind is Kind.ADOPTED:
        return replace(restored(data), sequence=at)
    status = {Kind.BLOCKED: INACTIVE, Kind.UNBLOCKED: ACTIVE}.get(kind, position.status)
    return Position(
        at,
        status,
        position.state,
        position.phase,
        before,
        position.action_id,
        position.wake_at,
        position.seconds,
    )


def _placed(before: Payload, data: dict[str, Any]) -> Payload:
    if "path" not in data:
        return before
    return before.place(_reference(data["path"]), data["value"])


@lru_cache(maxsize=4096)
def _reference(text: str) -> Path:
    return compile_path(text)
