"""Retention: removal of the records of runs that ended long ago."""

from __future__ import annotations

import logging
import time
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
        self._day_started_at = 0.0
        self._left_today = 0

    def remove_some(self) -> float:
        """Remove some records, and return the seconds until it is worth while to look again."""
        before = format_timestamp(self._time() - self._days * _DAY_SECONDS)
        old, ended = self._runs.count(before)
        if old > _MANY and old > _LARGE_SHARE * ended:
            return self._remove_slowly(before, old, ended)
        self._health.remove_notice("retention")
        removed = self._runs.delete_before(before, _AT_ONCE)
        return 0.0 if removed == _AT_ONCE else _PASS_SECONDS

    def _remove_slowly(self, before: str, old: int, ended: int) -> float:
        moment = elapsed()
        if (
            self._left_today <= 0
            and moment - self._day_started_at < _DAY_SECONDS
            and self._day_started_at
        ):
            return _PASS_SECONDS
        if self._left_today <= 0:
            self._day_started_at = moment
            self._left_today = max(_MANY, int(_SHARE_A_DAY * ended))
            self._health.add_notice(
                "retention",
                f"{old} of {ended} records of ended runs are older than {self._days:g} days by "
                f"the clock; they are removed slowly, {self._left_today} a day, in case the clock "
                "is wrong; HEADRACE_RETENTION_DAYS=forever keeps all",
            )
        removed = self._runs.delete_before(before, min(_AT_ONCE, self._left_today))
        self._left_today -= removed
        return 0.0 if removed and self._left_today > 0 else _PASS_SECONDS

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
