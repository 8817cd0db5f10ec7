"""Events of a run: the entries of its journal, from which everything else follows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """The kinds of events, with what each has in its data.

    Every event of a state names it as ``state``. A state that ends has the following state as
    ``next``, null at the end of the flow, and where it changed the payload ``path`` and ``value``.
    The name of a failure that a catcher took is in ``error``; ``by_hand`` says that a person
    gave the result.
    """

    STARTED = "started"
    """The run began: ``input``, ``state``; a retry has ``retry`` with ``run_id`` and ``state``."""
    STEPPED = "stepped"
    """A state began and ended at once."""
    WAITING = "waiting"
    """A Wait began: ``wake_at``, seconds since 1970, and ``seconds`` where it waits for so long."""
    CALLED = "called"
    """An Action began: ``action_id``, ``body``, ``wake_at`` and ``seconds`` of its WaitTime."""
    ENDED = "ended"
    """A state that waited is over."""
    FAILED = "failed"
    """A failure ended the run: ``error``; ``began`` if the state began with this event."""
    CANCELED = "canceled"
    """Somebody ended the run."""
    BLOCKED = "blocked"
    """The run's action waits for a person: ``details``."""
    UNBLOCKED = "unblocked"
    """The run's action continues."""
    RESUMED = "resumed"
    """Somebody resumed the run."""
    RECORDED = "recorded"
    """A line of a log that was kept word for word: ``code``, ``description``, ``details``."""
    ADOPTED = "adopted"
    """The run_state of a run whose log was kept word for word, as its document."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a run.

    Attributes:
        kind: what it was.
        time: when, seconds since 1970.
        data: what belongs to it, as JSON.
    """

    kind: EventKind
    time: float
    data: dict[str, Any]
