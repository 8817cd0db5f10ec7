"""Arrivals of a watch: which are checked, which have a run, and which wait for one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace._internal.terminal_text import terminal_text

if TYPE_CHECKING:
    from headrace.triggers import Arrival, WatchEvent

MAX_ATTEMPTS = 3
"""Attempts to start a run, after which a watch no longer waits for an arrival before it ends."""


@dataclass
class WatchProgress:
    """Arrivals that a watch has seen.

    Attributes:
        watching: triggers whose directory is being watched.
        waiting: arrivals without a run, each with the number of failed attempts.
        pending: arrivals whose check or start has been asked for, and has not answered yet.
        sizes: files and bytes of arrivals when they were looked at last.
        runs: runs that have just been started, with their arrivals.
        refused: arrivals whose run was refused for good.
        undone: problems by which something was left without a run.
        followed: runs whose ends are not yet written down, and may have consequences.
        reading: triggers that are reading which runs have ended.
        held: why triggers were last said to start nothing, by their names.
    """

    watching: set[str] = field(default_factory=set)
    waiting: dict[Arrival, int] = field(default_factory=dict)
    pending: set[Arrival] = field(default_factory=set)
    sizes: dict[Arrival, tuple[int, int]] = field(default_factory=dict)
    runs: dict[str, Arrival] = field(default_factory=dict)
    refused: set[Arrival] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)
    followed: set[str] = field(default_factory=set)
    reading: set[str] = field(default_factory=set)

    def record(self, event: WatchEvent) -> str | None:
        """Record an event, and return a line for people if it is worth one."""
        from headrace import triggers

        match event:
            case triggers.Watching(trigger=trigger, directory=directory, observer=observer):
                self.watching.add(trigger)
                return f"{trigger}: watching {directory} ({observer})"
            case triggers.TimerSet(trigger=trigger, schedule=schedule, upcoming=upcoming):
                self.watching.add(trigger)
                then = f"next at {upcoming}" if upcoming else "it has ended"
                return f"{trigger}: due {schedule}; {then}"
            case triggers.Due(arrival=arrival):
                self.waiting[arrival] = 0
                return f"{arrival.name}: due for {arrival.trigger}"
            case triggers.ChainSet(trigger=trigger, condition=condition, skips=skips):
                self.watching.add(trigger)
                before = "; what ended before it was first watched is left alone" if skips else ""
                return f"{trigger}: follows runs {condition}{before}"
            case triggers.EndsRead(trigger=trigger):
                self.reading.discard(trigger)
            case triggers.RunArrived(arrival=arrival, flow=flow) as ended:
                self.waiting[arrival] = 0
                label = f" ({terminal_text(ended.label)})" if ended.label else ""
                return f"{arrival.name}{label}: {flow} {ended.status}, for {arrival.trigger}"
            case triggers.Unwatched(trigger=trigger):
                self._forget(trigger)
                return f"{trigger}: not watched any more"
            case triggers.Seen(arrival=arrival):
                if arrival in self.waiting:
                    return None  # its disk was away meanwhile
                self.waiting[arrival] = 0
                return f"{arrival.name}: arrived in {arrival.location.parent}"
            case triggers.CheckStarted(arrival=arrival):
                self.pending.add(arrival)
            case triggers.CheckFinished(arrival=arrival):
                self.pending.discard(arrival)
            case triggers.Removed(arrival=arrival):
                self._remove(arrival)
                return f"{arrival.name}: removed before its run was started"
            case triggers.Starting(arrival=arrival, attempt=attempt):
                self.waiting.setdefault(arrival, 0)
                if attempt <= MAX_ATTEMPTS:
                    self.pending.add(arrival)
            case triggers.Started(arrival=arrival, run_id=run_id, followed=followed):
                self._remove(arrival)
                self.refused.discard(arrival)
                self.runs[run_id] = arrival
                if followed:
                    self.followed.add(run_id)
                self.held.pop(arrival.trigger, None)
                return f"{arrival.name}: complete, run {run_id}"
            case triggers.StartFailed(arrival=arrival, reason=reason, attempts=attempts) as failed:
                self.waiting[arrival] = attempts
                self.pending.discard(arrival)
                return f"{arrival.name}: no run: {reason} (again in {failed.retry_in:.0f} s)"
            case triggers.Refused(arrival=arrival, reason=reason):
                self._remove(arrival)
                self.refused.add(arrival)
                return (
                    f"{arrival.name}: refused: {reason}; once that is mended: "
                    f"headrace trigger retry {arrival.trigger}"
                )
            case triggers.Waiting(arrival=arrival, reason=reason):
                self.waiting.setdefault(arrival, 0)
                self.pending.discard(arrival)
                if self.held.get(arrival.trigger) == reason:
                    return None  # the others wait for the same
                self.held[arrival.trigger] = reason
                return f"{arrival.name}: complete, waits: {reason}"
            case triggers.RunEnded(arrival=arrival, run_id=run_id, retry_in=retry_in) as ended:
                self.followed.discard(run_id)
                if ended.status != "FAILED":
                    return None
                if retry_in is None:
                    return f"{arrival.name}: run {run_id} failed: {ended.cause}"
                self.pending.add(arrival)
                return (
                    f"{arrival.name}: run {run_id} failed: {ended.cause}; another takes it up in "
                    f"{retry_in:.0f} s"
                )
            case triggers.ArrivalFinished(arrival=arrival, action=action, path=path):
                return f"{arrival.name}: {action}: {path}"
            case triggers.TriggerHeld(trigger=trigger, reason=reason):
                return f"{trigger}: starts nothing more: {reason}"
            case triggers.Problem(trigger=trigger, message=message, blocks_run=undone):
                if undone:
                    self.undone.add(message)
                return f"{trigger}: {message}"
        return None

    def _remove(self, arrival: Arrival) -> None:
        self.waiting.pop(arrival, None)
        self.sizes.pop(arrival, None)
        self.pending.discard(arrival)

    def _forget(self, trigger: str) -> None:
        self.watching.discard(trigger)
        self.reading.discard(trigger)
        for arrival in [each for each in {*self.waiting, *self.pending} if each.trigger == trigger]:
            self._remove(arrival)

    def is_progress(self, event: WatchEvent) -> bool:
        """Return whether an event is progress; another reason why an arrival waits is none.

        Args:
            event: the event, before it is recorded.
        """
        from headrace.triggers import CheckFinished, EndsRead, Incomplete

        if isinstance(event, EndsRead):
            return False
        if isinstance(event, CheckFinished):
            return event.arrival in self.pending
        if not isinstance(event, Incomplete):
            return True
        size = (event.files, event.size)
        before, self.sizes[event.arrival] = self.sizes.get(event.arrival), size
        return size != before

    def take_started(self) -> list[str]:
        """Return the runs that were started since the last call."""
        started, self.runs = list(self.runs), {}
        return started

    @property
    def unfinished(self) -> bool:
        """True where something that lies there has no run."""
        return bool(self.waiting or self.refused or self.undone)

    @property
    def may_start_soon(self) -> bool:
        """True while an arrival may still get its run soon."""
        return any(attempts < MAX_ATTEMPTS for attempts in self.waiting.values())
