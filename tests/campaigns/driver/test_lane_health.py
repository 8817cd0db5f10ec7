"""Health of lanes: endpoints that are away for long, runs lost in a row, and the return."""

from __future__ import annotations

from headrace.campaigns.driver.lane_health import LaneHealth


def test_an_endpoint_that_is_away_for_long_loses_the_lane_and_brings_it_back() -> None:
    lane = LaneHealth(lost_after=600.0)
    lane.record_answer(0.0, "endpoint hpc: offline")
    assert (lane.is_lost, lane.problem) == (False, "endpoint hpc: offline")
    lane.record_answer(599.0, "endpoint hpc: offline")
    assert not lane.is_lost
    lane.record_answer(600.0, "endpoint hpc: offline")
    assert lane.lost_since == 600.0
    lane.record_answer(700.0, "")
    assert (lane.is_lost, lane.problem) == (False, "")


def test_one_answer_in_between_begins_the_time_anew() -> None:
    lane = LaneHealth(lost_after=600.0)
    for moment, problem in ((0.0, "offline"), (500.0, ""), (700.0, "offline"), (1200.0, "offline")):
        lane.record_answer(moment, problem)
    assert not lane.is_lost


def test_runs_that_are_lost_in_a_row_lose_the_lane_though_its_endpoint_answers() -> None:
    lane = LaneHealth(lost_runs=3, retry_after=100.0)
    for category in ("lost", "node lost", "", "lost", "lost", "crashed", "lost", "node lost"):
        lane.record_run(10.0, category)
    assert not lane.is_lost
    lane.record_run(10.0, "lost")
    assert lane.is_lost
    lane.record_answer(50.0, "")
    assert lane.is_lost


def test_a_lane_whose_runs_were_lost_is_tried_again_with_one_run() -> None:
    lane = LaneHealth(lost_runs=3, retry_after=100.0)
    for _ in range(3):
        lane.record_run(0.0, "node lost")
    lane.record_answer(100.0, "")
    assert not lane.is_lost
    lane.record_run(110.0, "node lost")
    assert lane.is_lost
    lane.record_answer(210.0, "")
    lane.record_run(220.0, "")
    lane.record_run(230.0, "lost")
    assert not lane.is_lost


def test_what_was_lost_before_a_restart_is_lost_until_its_endpoint_answers() -> None:
    lane = LaneHealth(lost_since=50.0)
    assert lane.is_lost
    lane.record_answer(60.0, "offline")
    assert lane.lost_since == 50.0
    lane.record_answer(70.0, "")
    assert not lane.is_lost


def test_a_clock_that_is_set_back_loses_no_lane() -> None:
    lane = LaneHealth(lost_after=600.0)
    lane.record_answer(10_000.0, "offline")
    lane.record_answer(100.0, "offline")
    assert not lane.is_lost
    lane.record_answer(700.0, "offline")
    assert lane.is_lost
