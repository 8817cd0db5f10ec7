"""Completeness by quiescence: nothing in an arrival has changed for a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.triggers.completeness.rule import Look, PolledRule
from headrace.triggers.completeness.snapshot import Snapshot, take_set_snapshot, take_snapshot

if TYPE_CHECKING:
    from headrace.triggers.arrival import Arrival
    from headrace.triggers.trigger import Trigger

# An arrival that waits for a temporary name to go is a problem after so long (s).
_UNFINISHED_COPY_AFTER = 60.0
# A look is soon after a change if it ends within this share of the settling time.
SOON_SHARE = 1 / 8


class QuiescenceRule(PolledRule):
    """An arrival is complete when nothing in it has changed for so many seconds."""

    needs_changes = True

    def __init__(self, value: float, trigger: Trigger, arrival: Arrival) -> None:
        super().__init__(value, trigger, arrival)
        self._tracker = QuiescenceTracker(value)

    def missing_reason(self, look: Look) -> str:
        """Take a snapshot, and say what is missing by it.

        Raises:
            OSError: the arrival cannot be read.
        """
        started_at = look.clock()
        snapshot = self._snapshot(look.stable_inodes)
        complete = self._tracker.update(snapshot, started_at, look.clock(), followed=look.followed)
        self.size = (snapshot.files, snapshot.size)
        quiet = started_at - self._tracker.changed_at
        if snapshot.unfinished and quiet > max(_UNFINISHED_COPY_AFTER, self.value):
            look.report_problem(
                f"{self.arrival.location / snapshot.unfinished}: looks like an unfinished copy, "
                "and holds the arrival back; finish the copy, remove it, or add its name to "
                f"watch.ignore in {self.trigger.file}"
            )
        if complete:
            return ""
        if not snapshot.files:
            return "a first file"
        if snapshot.unfinished:
            return f"{snapshot.unfinished} to be finished"
        return f"{self.value:g} s without change"

    def is_unchanged(self, stable_inodes: bool) -> bool:
        """Tell whether nothing has changed since the last look."""
        last = self._tracker.last_snapshot
        try:
            return last is not None and self._snapshot(stable_inodes).equals(last)
        except OSError:
            return False

    @property
    def changed_at(self) -> float | None:
        """Monotonic time in s of the last change; None before the first look."""
        return None if self._tracker.quiet_at is None else self._tracker.changed_at

    @property
    def complete_at(self) -> float | None:
        """Monotonic time in s at which the time without change will have passed."""
        return self._tracker.quiet_at

    def record_change(self, now: float) -> None:
        """Begin the time without change anew."""
        self._tracker.record_change(now)

    def _snapshot(self, stable_inodes: bool) -> Snapshot:
        location, ignore = self.arrival.location, self.trigger.ignore
        if self.trigger.what == "set":
            names = self.trigger.member_names(self.arrival.name)
            files = [location.with_name(name) for name in names]
            return take_set_snapshot(files, stable_inodes=stable_inodes)
        return take_snapshot(location, ignore=ignore, stable_inodes=stable_inodes)


class QuiescenceTracker:
    """Comparison of repeated snapshots: whether an arrival has stopped changing.

    All times are of the monotonic clock: setting the computer's clock changes nothing.

    Args:
        settle: seconds that must pass without any change.
    """

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._last: Snapshot | None = None
        self._since = 0.0
        self._reported_at = float("-inf")

    @property
    def quiet_at(self) -> float | None:
        """Time at which the arrival is quiet if nothing changes; None before the first look."""
        return None if self._last is None else self._since + self._settle

    @property
    def changed_at(self) -> float:
        """Time at which the arrival was last found changed."""
        return self._since

    @property
    def last_snapshot(self) -> Snapshot | None:
        """The last snapshot."""
        return self._last

    def record_change(self, now: float) -> None:
        """Take note of a change that was reported and not looked at.

        Args:
            now: monotonic time of the report in s.
        """
        self._since = max(self._since, now)
        self._reported_at = now

    def update(
        self, snapshot: Snapshot, started_at: float, finished_at: float, *, followed: bool = False
    ) -> bool:
        """Compare a new snapshot with the last one.

        A change counts from its report, where changes are reported and this snapshot was taken
        soon after it; else from the snapshot that shows it.

        Args:
            snapshot: the new snapshot.
            started_at: monotonic time in s before it was taken.
            finished_at: monotonic time in s after it was taken.
            followed: whether changes are reported.

        Returns:
            True if the arrival is complete: it has a file, no temporary name, and was found
            unchanged for at least the settling time.
        """
        reported_at, self._reported_at = self._reported_at, float("-inf")
        if self._last is None or not snapshot.equals(self._last):
            soon = finished_at - reported_at <= self._settle * SOON_SHARE
            if not (self._last is not None and followed and soon):
                self._since = max(self._since, finished_at)
            self._last = snapshot
            return False
        quiet = started_at - self._since >= self._settle
        return quiet and snapshot.files > 0 and not snapshot.unfinished
