"""The pace of changes: by what parts cost, within limits."""

from __future__ import annotations

import pytest

from headrace.web.changes.pace import LONGEST_SECONDS, SHORTEST_SECONDS, Pace


@pytest.mark.parametrize(
    ("spent", "seconds"),
    [(0.0, SHORTEST_SECONDS), (0.04, 1.0), (10.0, LONGEST_SECONDS)],
)
def test_what_parts_cost_says_how_long_changes_wait(spent: float, seconds: float) -> None:
    moment = [1000.0]
    pace = Pace(lambda: moment[0])
    assert pace.seconds_left() == 0, "the first change is told at once"
    pace.restart()
    begun = moment[0]
    with pace.making():
        moment[0] += spent
    moment[0] = begun
    assert pace.seconds_left() == pytest.approx(seconds)
    moment[0] = begun + seconds + 0.01
    assert pace.seconds_left() == 0
    pace.restart()
    assert pace.seconds_left() == pytest.approx(SHORTEST_SECONDS), "each time counts by itself"


def test_a_part_that_fails_counts() -> None:
    moment = [0.0]
    pace = Pace(lambda: moment[0])
    pace.restart()

    def fail() -> None:
        with pace.making():
            moment[0] += 0.1
            raise ValueError("none")

    with pytest.raises(ValueError, match="none"):
        fail()
    assert pace.seconds_left() == pytest.approx(LONGEST_SECONDS - 0.1)
