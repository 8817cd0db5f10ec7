"""Expected end of a campaign, from when its last members finished."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, sqrt
from typing import Any, Final

# Members finished before which nothing is told: the chance would be larger than the figure.
_FEWEST: Final = 5
_BINS: Final = 10
# Of a normal distribution: four of five values lie so many standard deviations around the mean.
_FOUR_OF_FIVE: Final = 1.2816
# Beyond it, a date says nothing.
_LONGEST: Final = timedelta(days=3650)


@dataclass(frozen=True)
class Forecast:
    """Expected end of a campaign, with its bounds.

    Attributes:
        per_hour: members that finish in an hour, at the latest pace; None where it is unknown.
        counted: members from which that is known.
        at: the expected end; None where it is unknown.
        earliest: four of five ends are later than this by more than chance, and
        latest: earlier than this.
        reason: why there is no expected end; empty where there is.
    """

    per_hour: float | None
    counted: int
    at: datetime | None = None
    earliest: datetime | None = None
    latest: datetime | None = None
    reason: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in vars(self).items()
        }


def forecast_end(finished: Sequence[datetime], remaining: int, now: datetime) -> Forecast:
    """Return when the remaining members will be done, at the pace of the last ones.

    The pace is that of the members given, from the first of them until now. Finishing is taken for
    a Poisson process, whose variance is enlarged by the index of dispersion of the times given:
    members that finish in bunches say less. The bounds are an interval of 80 % of a log-normal
    distribution around the expected time.

    Args:
        finished: when the last members finished, in any order.
        remaining: members that are still to finish.
        now: the present time.
    """
    times = sorted(finished)
    if len(times) < _FEWEST:
        return Forecast(None, len(times), reason="too few members have finished to tell")
    window = (now - times[0]).total_seconds()
    count = len(times) - 1
    if window <= 0:
        return Forecast(None, len(times), reason="all members that are done finished just now")
    pace = count / window
    known = Forecast(pace * 3600.0, len(times))
    if not remaining:
        return Forecast(known.per_hour, known.counted, reason="nothing is left to do")
    expected = remaining / pace
    spread = exp(_FOUR_OF_FIVE * sqrt(_dispersion(times, now) * (1 / count + 1 / remaining)))
    if expected > _LONGEST.total_seconds():
        return Forecast(known.per_hour, known.counted, reason="not within ten years at this pace")
    return Forecast(
        known.per_hour,
        known.counted,
        now + timedelta(seconds=expected),
        now + timedelta(seconds=expected / spread),
        now + min(_LONGEST, timedelta(seconds=expected * spread)),
    )


def _dispersion(times: Sequence[datetime], now: datetime) -> float:
    """Return variance by mean of the counts in equal parts of the window, 1 at least."""
    window = (now - times[0]).total_seconds()
    found = Counter(
        min(_BINS - 1, int((each - times[0]).total_seconds() / window * _BINS)) for each in times
    )
    counts = [found[number] for number in range(_BINS)]
    # By hand: the module `statistics` takes longer to import than all of this.
    mean = sum(counts) / _BINS
    return max(1.0, sum((count - mean) ** 2 for count in counts) / _BINS / mean)
