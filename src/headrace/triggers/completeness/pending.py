"""Arrivals that are not known to be complete."""

from __future__ import annotations

from headrace.triggers.arrival import Arrival
from headrace.triggers.completeness.background import BackgroundRules
from headrace.triggers.completeness.registry import make_rules
from headrace.triggers.completeness.rule import Look, PolledRule
from headrace.triggers.events import Incomplete
from headrace.triggers.record import Record
from headrace.triggers.trigger import Trigger

# Looks ahead of time take at most this share of it.
POLLING_SHARE = 0.1


class PendingArrival:
    """An arrival that is not known to be complete.

    Attributes:
        record: its record in the ledger.
        arrival: where it lies.
        background: the rules that are evaluated by a worker.
        reported: what was last reported of it.
        is_being_checked: whether a worker evaluates its rules.
        checked_size: number of files and bytes when a worker last evaluated its rules.

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
        self._trigger = trigger
        self._seen_at = seen_at
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

    def record_change(self, now: float) -> None:
        """Take note of a change that was reported and not looked at.

        Args:
            now: monotonic time of the report in s.
        """
        for rule in self._polled:
            rule.record_change(now)

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
        times = [
            (rule.changed_at, rule.complete_at)
            for rule in self._polled
            if rule.changed_at is not None and rule.complete_at is not None
        ]
        quiet = now - max((changed for changed, _ in times), default=self._seen_at)
        calm = max([quiet, *(complete - changed for changed, complete in times)])
        often = min(calm / 8, 1.0, self._trigger.interval)
        usual = now + max(0.02, often, cost * others)
        complete_at = max((complete for _, complete in times), default=None)
        if complete_at is not None and complete_at > started_at:
            # The look that may be the last one, which the others must not delay.
            return min(usual, max(complete_at, now + 0.02, now + cost))
        return usual
