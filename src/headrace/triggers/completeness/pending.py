"""Arrivals that are not known to be complete."""

from __future__ import annotations

from headrace.triggers.arrival import Arrival
from headrace.triggers.changes import ReportScope
from headrace.triggers.completeness.background import POLLING_SHARE, BackgroundRules
from headrace.triggers.completeness.quiescence import SOON_SHARE
from headrace.triggers.completeness.registry import make_rules
from headrace.triggers.completeness.rule import Look, PolledRule
from headrace.triggers.events import Incomplete
from headrace.triggers.record import Record
from headrace.triggers.trigger import Trigger


class PendingArrival:
    """An arrival that is not known to be complete.

    Attributes:
        record: its record in the ledger.
        arrival: where it lies.
        background: the rules that are evaluated by a worker.
        reported: what was last reported of it.
        is_being_checked: whether a worker evaluates its rules.
        checked_size: number of files and bytes when a worker last evaluated its rules.
        followed: whether all changes that its rules have to hear of are reported.
        follow_at: monotonic time in s from which it may be tried to have them reported.

    Args:
        trigger: its trigger.
        record: its record in the ledger.
        arrival: where it lies.
        seen_at: monotonic time in s at which it was first seen.

    Raises:
        TriggerError: a completeness rule of the trigger cannot be imported.
    """

    def __init__(self, trigger: Trigger, record: Record, arrival: Arrival, seen_at: float) -> None:
        self.record = record
        self.arrival = arrival
        self.reported: Incomplete | None = None
        self.is_being_checked = False
        self.checked_size: tuple[int, int] | None = None
        self.followed = False
        self.follow_at = seen_at
        self._trigger = trigger
        self._seen_at = seen_at
        self._looked_at = seen_at
        self._cost = 0.0
        self._rules = make_rules(trigger, arrival)
        self._polled = [rule for rule in self._rules.values() if isinstance(rule, PolledRule)]
        self.background = BackgroundRules(
            trigger,
            {key: rule for key, rule in self._rules.items() if not isinstance(rule, PolledRule)},
        )

    def evaluate(self, look: Look) -> Incomplete:
        """Evaluate the rules that are quick.

        Args:
            look: circumstances of the look.

        Returns:
            what to report; `missing` is "" if the arrival is complete by these rules.

        Raises:
            OSError: it cannot be read.
        """
        reasons = [rule.missing_reason(look) for rule in self._polled]
        files, size = max(rule.size for rule in self._polled)
        return Incomplete(self.arrival, files, size, next(filter(None, reasons), ""))

    def is_unchanged(self, stable_inodes: bool) -> bool:
        """Tell whether a complete arrival is as it was at the last look; any thread may ask.

        Args:
            stable_inodes: whether inode numbers last on this file system.
        """
        return all(rule.is_unchanged(stable_inodes) for rule in self._rules.values())

    @property
    def scope(self) -> ReportScope:
        """Changes in the arrival that its rules have to hear of."""
        names = dict.fromkeys(name for rule in self._rules.values() for name in rule.awaited_names)
        return ReportScope(any(rule.needs_changes for rule in self._polled), tuple(names))

    def record_change(self, now: float) -> float:
        """Take note of a change that was reported and not looked at.

        Args:
            now: monotonic time of the report in s.

        Returns:
            monotonic time in s of the look that is to show it, if none is earlier.
        """
        for rule in self._polled:
            rule.record_change(now)
        times = self._times()
        # Not at each of many changes, and yet soon after the last one.
        settle = max((complete - changed for changed, complete in times), default=0.0)
        share = settle * SOON_SHARE * 0.75
        return max(now + min(max(share, 0.005), 0.5), self._looked_at + self._cost)

    def record_awaited(self, now: float) -> float | None:
        """Take note that a name which a rule waits for has appeared.

        Args:
            now: monotonic time in s.

        Returns:
            monotonic time in s of the look that is to show it; None: it has to settle anyway.
        """
        self.background.record_awaited()
        complete_at = max((complete for _, complete in self._times()), default=now)
        return now if complete_at <= now else None

    def next_poll(self, started_at: float, now: float, others: int) -> float:
        """Return when to look again: often enough to start soon, seldom enough to cost little.

        Args:
            started_at: monotonic time in s at which the last look started.
            now: monotonic time in s.
            others: number of arrivals that are pending, this one among them.

        Returns:
            monotonic time in s of the next look.
        """
        cost = (now - started_at) / POLLING_SHARE
        self._looked_at, self._cost = now, cost * others
        times = self._times()
        complete_at = max((complete for _, complete in times), default=started_at)
        if self.followed and complete_at <= started_at:
            # What it waits for is reported; a report that is lost costs an interval.
            wait = max(0.02, cost * others)
            return now + max(wait, min(self._trigger.interval, self.background.awaited_at - now))
        quiet = now - max((changed for changed, _ in times), default=self._seen_at)
        settle = max((complete - changed for changed, complete in times), default=0.0)
        often = min(max(quiet, settle) / 8, 1.0, self._trigger.interval)
        usual = now + max(0.02, often, cost * others)
        if complete_at > started_at and usual + max(0.02, cost) > complete_at:
            # The look that may be the last one, which neither others nor itself must delay,
            # unless looks take more than their share of the settling time.
            return complete_at if cost <= settle else max(complete_at, now + cost)
        return usual

    def _times(self) -> list[tuple[float, float]]:
        """Return when the arrival last changed, and when it is complete, by each rule."""
        return [
            (rule.changed_at, rule.complete_at)
            for rule in self._polled
            if rule.changed_at is not None and rule.complete_at is not None
        ]
