"""When an arrival that waits is complete, and whether it still is when its run is started."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headrace.triggers.arrival import Arrival
from headrace.triggers.completeness.program import Check
from headrace.triggers.completeness.quiescence import (
    QuiescenceTracker,
    Snapshot,
    marker_path,
    take_snapshot,
)
from headrace.triggers.events import Incomplete
from headrace.triggers.record import Record
from headrace.triggers.trigger import Trigger

# An arrival that waits for a temporary name to go is a problem after so long (s).
_PATIENCE = 60.0
# Looks ahead of time take at most this share of it.
LOOKING_SHARE = 0.1


@dataclass
class PendingArrival:
    """An arrival that is not known to be complete.

    Attributes:
        trigger: its trigger.
        record: its record in the ledger.
        arrival: where it lies.
        settler: compares the looks at it.
        check: the answers of the project's program.
        seen_at: monotonic time in s at which it was first seen.
        told: what was last told of it.
        asking: whether the project's program is being asked.
        asked: number and bytes of its files when the program was last asked.
    """

    trigger: Trigger
    record: Record
    arrival: Arrival
    quiescence: QuiescenceTracker
    check: Check
    seen_at: float
    told: Incomplete | None = None
    asking: bool = False
    asked: tuple[int, int] | None = None

    def evaluate(
        self,
        inodes: bool,
        clock: Callable[[], float],
        complain: Callable[[str], None],
    ) -> tuple[bool, Incomplete]:
        """Look at the arrival; the project's program is not asked.

        Args:
            inodes: whether inode numbers last on this file system.
            clock: monotonic time in s.
            complain: told of what holds the arrival back for long.

        Returns:
            whether it is complete by the trigger's marker or time to settle, and what to tell.

        Raises:
            OSError: it cannot be read.
        """
        trigger, arrival = self.trigger, self.arrival
        if trigger.marker:
            told = Incomplete(arrival, 0, 0, f"the marker {self._marker().name}")
            return os.path.lexists(self._marker()), told
        began = clock()
        snapshot = take_snapshot(arrival.location, ignore=trigger.ignore, stable_inodes=inodes)
        complete = self.quiescence.update(snapshot, began, clock())
        quiet = began - self.quiescence.changed_at
        if snapshot.unfinished and quiet > max(_PATIENCE, trigger.settle):
            complain(
                f"{arrival.location / snapshot.unfinished}: looks like an unfinished copy, and "
                "holds the arrival back; finish the copy, remove it, or add its name to "
                f"watch.ignore in {trigger.file}"
            )
        return complete, Incomplete(arrival, snapshot.files, snapshot.size, self._lack(snapshot))

    def is_unchanged(self, inodes: bool) -> bool:
        """Tell whether a complete arrival is as it was at the last look; any thread may ask.

        Args:
            inodes: whether inode numbers last on this file system.

        Returns:
            whether its marker is still there, or nothing in it has changed.
        """
        trigger, last = self.trigger, self.quiescence.last_snapshot
        if trigger.marker:
            return os.path.lexists(self._marker())
        try:
            now = take_snapshot(self.arrival.location, ignore=trigger.ignore, stable_inodes=inodes)
        except OSError:
            return False
        return last is not None and now.equals(last)

    def next_poll(self, started_at: float, now: float, others: int) -> float:
        """Look often enough to start soon, seldom enough to cost little.

        Args:
            started_at: monotonic time in s at which the last look began.
            now: monotonic time in s.
            others: number of arrivals that wait, this one among them.

        Returns:
            monotonic time in s of the next look.
        """
        settle, settler = self.trigger.settle, self.quiescence
        cost = (now - started_at) / LOOKING_SHARE
        quiet = now - (settler.changed_at if settler.quiet_at else self.seen_at)
        calm = quiet if self.trigger.marker else max(settle, quiet)
        often = min(calm / 8, 1.0, self.trigger.interval)
        usual = now + max(0.02, often, cost * others)
        if settler.quiet_at is not None and settler.quiet_at > started_at:
            # The look that may be the last one, which the others must not delay.
            return min(usual, max(settler.quiet_at, now + 0.02, now + cost))
        return usual

    def _marker(self) -> Path:
        directory = self.trigger.what == "directory"
        return marker_path(self.arrival.location, self.trigger.marker or "", directory=directory)

    def _lack(self, snapshot: Snapshot) -> str:
        if not snapshot.files:
            return "a first file"
        if snapshot.unfinished:
            return f"{snapshot.unfinished} to be finished"
        return f"{self.trigger.settle:g} s without change"
