"""The expected end: at the pace of the last members, with bounds that hold as often as they say."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from headrace.campaigns.forecast import forecast_end

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def minutes(*before: float) -> list[datetime]:
    return [NOW - timedelta(minutes=each) for each in before]


def test_the_end_is_that_of_the_same_pace() -> None:
    found = forecast_end(minutes(*range(60, 0, -6)), 40, NOW)  # 10 in an hour, 9 intervals
    assert found.per_hour == pytest.approx(9.0)
    assert found.at is not None
    assert (found.at - NOW).total_seconds() == pytest.approx(40 / 9 * 3600)
    assert found.earliest is not None
    assert found.latest is not None
    assert NOW < found.earliest < found.at < found.latest
    assert found.document()["at"] == found.at.isoformat()


@pytest.mark.parametrize(
    ("before", "remaining", "reason"),
    [
        ([60, 50, 40, 30], 5, "too few"),
        ([0, 0, 0, 0, 0], 5, "just now"),
        ([50, 40, 30, 20, 10], 0, "nothing is left"),
        ([50, 40, 30, 20, 10], 10**9, "ten years"),
    ],
)
def test_what_cannot_be_told_has_a_reason(before: list[float], remaining: int, reason: str) -> None:
    found = forecast_end(minutes(*before), remaining, NOW)
    assert found.at is None
    assert reason in found.reason


def test_a_standstill_is_seen() -> None:
    quick = forecast_end(minutes(*range(20, 0, -1)), 100, NOW)
    halted = forecast_end(minutes(*range(200, 180, -1)), 100, NOW)
    assert quick.at is not None
    assert halted.at is not None
    assert halted.at > quick.at


def test_bunches_say_less_than_members_one_by_one() -> None:
    single = forecast_end(minutes(*range(100, 0, -1)), 100, NOW)
    bunches = forecast_end(minutes(*[each for each in (100, 50, 1) for _ in range(33)]), 100, NOW)
    widths = []
    for found in (single, bunches):
        assert found.latest is not None
        assert found.earliest is not None
        widths.append(found.latest - found.earliest)
    assert widths[1] > 2 * widths[0]


@pytest.mark.parametrize("bunch", [1, 10])
def test_four_ends_of_five_lie_within_the_bounds(bunch: int) -> None:
    """Members finish at random, alone or in packs; what follows is drawn from the same pace."""
    source, inside, runs = random.Random(5), 0, 400
    for _ in range(runs):
        ages = [sum(source.expovariate(1.0) for _ in range(n + 1)) for n in range(40)]
        times = [NOW - timedelta(seconds=60 * age) for age in ages for _ in range(bunch)]
        found = forecast_end(times, 50 * bunch, NOW)
        end = NOW + timedelta(seconds=60 * sum(source.expovariate(1.0) for _ in range(50)))
        assert found.earliest is not None
        assert found.latest is not None
        inside += found.earliest <= end <= found.latest
    assert 0.65 <= inside / runs <= 0.95
