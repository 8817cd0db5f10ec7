"""The conditions of a trigger under which it starts runs at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from headrace.config.project_config import at_option
from headrace.triggers.ledger import Ledger
from headrace.triggers.record import Record
from headrace.triggers.state_files import target_of
from headrace.triggers.trigger import Trigger

# Whether a run has ended is looked for in the ledger so often (s).
_ROOM_INTERVAL: Final = 1.0
# The clock of the computer may be set while a time is waited for (s).
_LONGEST_WAIT: Final = 60.0
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Held:
    """A trigger that starts nothing for now.

    Attributes:
        reason: why, in one line.
        seconds: when it is to be asked again.
    """

    reason: str
    seconds: float


class StartGate:
    """Decides whether a trigger may start a run now.

    Args:
        ledger: counts what was started.
        now: returns the time in UTC.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now

    def hold(self, trigger: Trigger, record: Record) -> Held | None:
        """Return why a trigger does not start the run of an arrival now; None where it may.

        Args:
            trigger: the trigger.
            record: the arrival; an attempt to start its run counts as this one.

        Raises:
            TriggerError: the ledger cannot be read.
        """
        return (
            self._paused(trigger)
            or self._quiet(trigger)
            or self._full(trigger, record)
            or self._too_often(trigger, record)
        )

    def _paused(self, trigger: Trigger) -> Held | None:
        reason = self._ledger.runs.pause_reason(trigger.name)
        if reason is None:
            return None
        why = f"the trigger is held: {reason}" if reason else "the trigger is paused"
        at = at_option(target_of(self._ledger.path))
        return Held(f"{why}; `headrace trigger resume {trigger.name}{at}`", trigger.interval)

    def _quiet(self, trigger: Trigger) -> Held | None:
        quiet, now = trigger.limits.quiet, self._now()
        end = quiet.end(now)
        if end is None:
            return None
        here, today = end.astimezone(quiet.zone), now.astimezone(quiet.zone).date()
        form = "%H:%M" if here.date() == today else "%Y-%m-%d %H:%M"
        wait = min((end - now).total_seconds() + 0.1, _LONGEST_WAIT)
        return Held(f"quiet hours until {here.strftime(form)} (limits.quiet_hours)", wait)

    def _full(self, trigger: Trigger, record: Record) -> Held | None:
        limit = trigger.limits.open_runs
        if limit is None:
            return None
        if self._ledger.runs.count_open(trigger.name, record.collection, record.id) < limit:
            return None
        runs = "1 run has" if limit == 1 else f"{limit} runs have"
        return Held(f"{runs} not ended (limits.open_runs = {limit})", _ROOM_INTERVAL)

    def _too_often(self, trigger: Trigger, record: Record) -> Held | None:
        limit, now = trigger.limits.starts_per_hour, self._now()
        if limit is None:
            return None
        started = self._ledger.runs.started_since(
            trigger.name, record.collection, now - _HOUR, record.id
        )
        if len(started) < limit:
            return None
        wait = (started[-limit] + _HOUR - now).total_seconds() + 0.1
        runs = "1 run was" if limit == 1 else f"{limit} runs were"
        reason = f"{runs} started within an hour (limits.starts_per_hour = {limit})"
        return Held(reason, min(max(wait, _ROOM_INTERVAL), _LONGEST_WAIT))


def utc_now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)
