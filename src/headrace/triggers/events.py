"""Events of a watcher while it works, for a live display or a log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headrace.triggers.arrival import Arrival


@dataclass(frozen=True)
class Watching:
    """A directory is being watched: at the start, and again after it could not be.

    Attributes:
        trigger: name of the trigger.
        directory: the watched directory.
        observer: "inotify" or "poll".
    """

    trigger: str
    directory: Path
    observer: str


@dataclass(frozen=True)
class Unwatched:
    """A trigger is not watched any more: it was removed from what is to be watched.

    Attributes:
        trigger: name of the trigger.
    """

    trigger: str


@dataclass(frozen=True)
class TimerSet:
    """A timer is being watched; or it has had its last tick.

    Attributes:
        trigger: name of the trigger.
        schedule: when it is due, for people.
        upcoming: the next tick; "" where there is none any more.
    """

    trigger: str
    schedule: str
    upcoming: str


@dataclass(frozen=True)
class Due:
    """A timer is due."""

    arrival: Arrival


@dataclass(frozen=True)
class ChainSet:
    """The ends of runs are being followed.

    Attributes:
        trigger: name of the trigger.
        condition: which ends these are, for people.
        skips: whether those before the first watch are left alone.
    """

    trigger: str
    condition: str
    skips: bool


@dataclass(frozen=True)
class EndsRead:
    """The service was asked which runs have ended, whether it answered or not.

    Attributes:
        trigger: name of the trigger.
    """

    trigger: str


@dataclass(frozen=True)
class RunArrived:
    """A run that a trigger follows has ended.

    Attributes:
        arrival: the arrival.
        flow: its flow.
        label: its label.
        status: how it ended.
    """

    arrival: Arrival
    flow: str
    label: str
    status: str


@dataclass(frozen=True)
class Seen:
    """Something new is there; it may not be complete."""

    arrival: Arrival


@dataclass(frozen=True)
class Incomplete:
    """An arrival was looked at, has changed, and is not complete.

    Attributes:
        arrival: the arrival.
        files: files so far.
        size: their bytes so far.
        missing: what is missing, for people.
    """

    arrival: Arrival
    files: int
    size: int
    missing: str


@dataclass(frozen=True)
class CheckStarted:
    """A worker begins to evaluate the rules of an arrival, for the first time as it is now."""

    arrival: Arrival


@dataclass(frozen=True)
class CheckFinished:
    """A worker has evaluated the rules of an arrival, or has failed to."""

    arrival: Arrival


@dataclass(frozen=True)
class Removed:
    """An arrival went away before a run was started on it."""

    arrival: Arrival


@dataclass(frozen=True)
class Starting:
    """An arrival is complete, and its run is about to be started.

    Attributes:
        arrival: the arrival.
        tag: the tag that marks its run, and no other.
        attempt: 1 for the first attempt.
    """

    arrival: Arrival
    tag: str
    attempt: int


@dataclass(frozen=True)
class Started:
    """The run of an arrival was started.

    Attributes:
        arrival: the arrival.
        tag: the tag that marks the run.
        run_id: the run.
        found: True if an earlier attempt, whose answer was lost, had started it.
        followed: whether its end will be reported by `RunEnded`.
    """

    arrival: Arrival
    tag: str
    run_id: str
    found: bool
    followed: bool = False


@dataclass(frozen=True)
class StartFailed:
    """An attempt to start a run failed; it will be tried again.

    Attributes:
        arrival: the arrival.
        tag: the tag that marks its run.
        reason: why, in one line.
        attempts: attempts so far.
        retry_in: seconds until the next attempt.
    """

    arrival: Arrival
    tag: str
    reason: str
    attempts: int
    retry_in: float


@dataclass(frozen=True)
class Refused:
    """The run of an arrival was refused for good; it is tried again when somebody asks for it.

    Attributes:
        arrival: the arrival.
        tag: the tag that would have marked its run.
        reason: why, in one line.
    """

    arrival: Arrival
    tag: str
    reason: str


@dataclass(frozen=True)
class Waiting:
    """The run of a complete arrival is not started for now.

    Attributes:
        arrival: the arrival.
        reason: why, in one line.
    """

    arrival: Arrival
    reason: str


@dataclass(frozen=True)
class RunEnded:
    """The run of an arrival has ended, and that was written down.

    Attributes:
        arrival: the arrival.
        run_id: the run.
        status: how it ended.
        cause: why it failed, in one line.
        retry_in: seconds until another run takes it up; None where none does.
    """

    arrival: Arrival
    run_id: str
    status: str
    cause: str
    retry_in: float | None


@dataclass(frozen=True)
class ArrivalFinished:
    """An arrival whose run has succeeded was moved or marked.

    Attributes:
        arrival: the arrival.
        action: "moved" or "marked".
        path: where it is now, or the file that marks it.
    """

    arrival: Arrival
    action: str
    path: Path


@dataclass(frozen=True)
class TriggerHeld:
    """A trigger starts no more runs until somebody resumes it.

    Attributes:
        trigger: name of the trigger.
        reason: why, in one line.
    """

    trigger: str
    reason: str


@dataclass(frozen=True)
class Problem:
    """Something keeps a trigger from its work; it is reported once, and tried again.

    Attributes:
        trigger: name of the trigger.
        message: what, where and the way out, in one line.
        blocks_run: whether something that lies there is left without a run by it.
    """

    trigger: str
    message: str
    blocks_run: bool = False


WatchEvent = (
    Watching
    | Unwatched
    | TimerSet
    | Due
    | ChainSet
    | EndsRead
    | RunArrived
    | Seen
    | Incomplete
    | CheckStarted
    | CheckFinished
    | Removed
    | Starting
    | Started
    | StartFailed
    | Refused
    | Waiting
    | RunEnded
    | ArrivalFinished
    | TriggerHeld
    | Problem
)
