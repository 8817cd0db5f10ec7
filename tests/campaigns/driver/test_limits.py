"""Limits of a campaign: the rate of starts, members, core hours and licences over all lanes."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from headrace.campaigns.driver.lanes import LaneLoad
from headrace.campaigns.driver.limits import (
    RecentStarts,
    RunNeeds,
    StartBudget,
    free_licences,
)
from tests.support.campaigns.lane_rules import Rules


@dataclass(frozen=True)
class Rate:
    count: int
    seconds: float


def test_a_rate_holds_in_every_window() -> None:
    starts = RecentStarts(Rate(2, 10.0))
    assert starts.room(100.0) == 2
    starts.add(100.0, 2)
    assert (starts.room(105.0), starts.wait(105.0)) == (0, 5.0)
    assert (starts.room(110.0), starts.wait(110.0)) == (2, 0.0)


def test_starts_before_a_restart_count_and_those_of_a_wrong_clock_pass() -> None:
    starts = RecentStarts(Rate(2, 10.0), [95.0, 99.0, 5000.0])
    assert starts.room(100.0) == 0
    # The third one counts as one of now, in the time of which it was seen.
    assert starts.wait(100.0) == 9.0
    assert starts.room(110.0) == 2


def test_without_a_rate_any_number_may_be_started() -> None:
    starts = RecentStarts(None)
    starts.add(1.0, 100)
    assert (starts.room(1.0), starts.wait(1.0)) == (None, 0.0)


@given(st.lists(st.integers(0, 5), max_size=60), st.integers(1, 4), st.integers(1, 10))
def test_no_window_ever_holds_more_starts_than_the_rate(
    pauses: list[int], count: int, seconds: int
) -> None:
    starts, now = RecentStarts(Rate(count, seconds)), 0
    times: list[int] = []
    for pause in pauses:
        now += pause
        if starts.room(now):
            starts.add(now)
            times.append(now)
        else:
            assert 0.0 < starts.wait(now) <= seconds
    for first in times:
        assert sum(first <= moment < first + seconds for moment in times) <= count


def test_the_core_hours_of_what_is_under_way_count_before_they_are_spent() -> None:
    lane, needs = LaneLoad(Rules("a")), RunNeeds(core_hours=40.0)
    budget = StartBudget(core_hours=100.0)
    assert budget.refusal(needs, lane) == ""
    budget.take_member(lane, 40.0)
    budget.take_member(lane, 40.0)
    assert budget.refusal(needs, lane) == "its core hours are not left"
    assert budget.refusal(RunNeeds(), lane) == ""
    assert StartBudget(core_hours=0.0).refusal(RunNeeds(), lane) == "the core hours are spent"


def test_licences_hold_over_all_lanes_and_in_each() -> None:
    here = LaneLoad(Rules("here", licences={"matlab": 1}))
    there = LaneLoad(Rules("there"))
    budget, needs = StartBudget(licences={"matlab": 3}), RunNeeds(licences={"matlab": 1})
    budget.take_run(needs, here)
    assert budget.refusal(needs, here) == "no licence of matlab is free in here"
    budget.take_run(needs, there)
    budget.take_run(needs, there)
    assert budget.refusal(needs, there) == "no licence of matlab is free"
    assert budget.refusal(RunNeeds(licences={"other": 9}), there) == ""


def test_licences_that_are_used_beyond_a_new_limit_leave_none() -> None:
    assert free_licences({"matlab": 2, "ansys": 3}, {"matlab": 5}) == {"matlab": 0, "ansys": 3}
