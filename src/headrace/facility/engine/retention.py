"""Retention: removal of the records of runs that ended long ago."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headrace._internal.clock import elapsed
from headrace._internal.timestamps import format_timestamp
from headrace.facility.store.ended_runs import EndedRuns
from headrace.facility.supervision import Health

logger = logging.getLogger(__name__)

# The hosted service keeps records of runs for so long after their end.
RETENTION_DAYS: Final = 90.0
_DAY_SECONDS: Final = 86_400.0
_PASS_SECONDS: Final = 3600.0
_AT_ONCE: Final = 200
# More records than these at once, and more than this share of all, are a wrong clock's or a
# changed setting's work rather than time's: they go slowly, so that somebody can step in.
_MANY: Final = 100
_LARGE_SHARE: Final = 0.2
_SHARE_A_DAY: Final = 0.1


@dataclass(frozen=True)
class _Pass:
    """A pass over the records: counted once, for it takes a look at each that has ended.

    Attributes:
        before: records of runs that ended before this time are removed.
        old: how many those are, still.
        ended: how many runs have ended.
    """

    before: str
    old: int
    ended: int


class Retention:
    """Removes the records of ended runs after some days.

    The clock of the machine may be wrong. Time is therefore what has passed, by a clock that
    nobody sets, since the newest event that the store held at the start, and never later than what
    the wall clock says.

    Args:
        runs: the runs that have ended.
        days: days after its end for which a run is kept.
        health: where a large removal is noted.
    """

    def __init__(self, runs: EndedRuns, days: float, health: Health) -> None:
        self._runs = runs
        self._days = days
        self._health = health
        self._started_at = elapsed()
        self._newest: float | None = None
        self._pass: _Pass | None = None
        self._day_started_at = 0.0
        self._left_today = 0

    def remove_some(self) -> float:
        """Remove some records, and return the seconds until it is worth while to look again."""
        # A pass that fails begins anew.
        current, self._pass = self._pass or self._begin_pass(), None
        removed, goes_on = self._remove(current)
        if not goes_on:
            return _PASS_SECONDS
        self._pass = _Pass(current.before, current.old - removed, current.ended - removed)
        return 0.0

    def _begin_pass(self) -> _Pass:
        before = format_timestamp(self._time() - self._days * _DAY_SECONDS)
        return _Pass(before, *self._runs.count(before))

    def _remove(self, current: _Pass) -> tuple[int, bool]:
        """Remove some records; return how many, and whether the pass goes on."""
        if current.old > _MANY and current.old > _LARGE_SHARE * current.ended:
            return self._remove_slowly(current)
        self._health.remove_notice("retention")
        removed = self._runs.delete_before(current.before, _AT_ONCE)
        return removed, removed == _AT_ONCE

    def _remove_slowly(self, current: _Pass) -> tuple[int, bool]:
        moment = elapsed()
        if (
            self._left_today <= 0
            and moment - self._day_started_at < _DAY_SECONDS
            and self._day_started_at
        ):
            return 0, False
        if self._left_today <= 0:
            self._day_started_at = moment
            self._left_today = max(_MANY, int(_SHARE_A_DAY * current.ended))
            self._health.add_notice(
                "retention",
                f"{current.old} of {current.ended} records of ended runs are older than "
                f"{self._days:g} days by the clock; they are removed slowly, "
                f"{self._left_today} a day, in case the clock is wrong; "
                "HEADRACE_RETENTION_DAYS=forever keeps all",
            )
        removed = self._runs.delete_before(current.before, min(_AT_ONCE, self._left_today))
        self._left_today -= removed
        return removed, bool(removed) and self._left_today > 0

    def _time(self) -> float:
        if self._newest is None:
            newest = self._runs.latest_time()
            self._newest = _seconds(newest) if newest else time.time()
        return min(time.time(), self._newest + elapsed() - self._started_at)


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
