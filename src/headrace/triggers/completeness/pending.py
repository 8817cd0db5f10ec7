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

# Looks soon after a change are not put off until they owe so many seconds of waiting.
_CREDIT = 2.0
# While an arrival is being written, it is looked at so often (s), and so many times less often than
# looks may cost else.
_LOOK_IN_WRITING, _LESS_IN_WRITING = 1.0, 8.0


class LookBudget:
    """The time that looks at all arrivals of a trigger take together, against their share of it."""

    def __init__(self) -> None:
        self._paid_at = float("-inf")

    def spend(self, now: float, seconds: float) -> None:
        """Take note of a look that has taken so long."""
        self._paid_at = max(self._paid_at, now) + seconds / POLLING_SHARE

    def has_credit(self, now: float) -> bool:
        """Tell whether there is time for looks that would be put off else."""
        return self._paid_at - now <= _CREDIT


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
        budget: of the looks at it and at others.

    Raises:
        TriggerError: a completeness rule of the trigger cannot be imported.
    """

    def __init__(
        self,
        trigger: Trigger,
        record: Record,
        arrival: Arrival,
        seen_at: float,
        budget: LookBudget | None = None,
    ) -> None:
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
        self._reported_at = float("-inf")
        self._cost = self._others_cost = 0.0
        self._budget = budget or LookBudget()
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
        self._reported_at = now
        cost = self._cost if self._budget.has_credit(now) else self._others_cost
        return max(now + self._soon(), self._looked_at + cost)

    def defer_look(self, now: float) -> float | None:
        """Return when to look instead of now, where that shows more.

        While changes are reported one after the other it is not complete. The look that counts is
        the one soon after the last of them; those before cost as much, and only tell how far it is.

        Args:
            now: monotonic time in s.

        Returns:
            monotonic time in s of the look; None: it is to be looked at now.
        """
        if not self.followed or not self._times():
            return None
        after_change = self._reported_at + self._soon()
        latest = self._looked_at + max(_LOOK_IN_WRITING, self._others_cost * _LESS_IN_WRITING)
        return min(after_change, latest) if min(after_change, latest) > now else None

    def _soon(self) -> float:
        """Return the seconds from a change that is reported to the look that is to show it."""
        settle = max((complete - changed for changed, complete in self._times()), default=0.0)
        return min(max(settle * SOON_SHARE * 0.75, 0.005), 0.5)

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
        self._looked_at, self._cost, self._others_cost = now, cost, cost * others
        self._budget.spend(now, now - started_at)
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
