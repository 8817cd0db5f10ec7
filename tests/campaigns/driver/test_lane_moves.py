"""Lanes in a campaign: shares, drains, endpoints that go away, and results that come too late."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from headrace.campaigns.campaign import Lane
from headrace.campaigns.driver.events import LaneChanged
from headrace.campaigns.driver.lane_health import LaneHealth
from headrace.campaigns.ledger import NewMember
from tests.support.campaigns.campaign_world import CampaignWorld
from tests.support.campaigns.scripted_runs import SUCCEEDED, Ending, failed, gone_for

LANES = """
[start]
flow = "md"
input = { key = "{key}", lane = "{lane}", directory = "{attempt_directory}", partition = "{lane.partition}", endpoint = { endpoint = "{endpoint}" } }
[lanes.big]
endpoint = "hpc"
weight = 2
values = { partition = "gpu" }
[lanes.small]
endpoint = "workstation"
values = { partition = "local" }
[retries]
backoff = "1 s"
"""  # noqa: E501


def quick_health(lost_since: float | None, lane: Lane) -> LaneHealth:
    return LaneHealth(lost_since, lost_after=60.0, lost_runs=3, retry_after=100.0)


def lanes_of(world: CampaignWorld) -> Counter[str]:
    return Counter(body["lane"] for body in world.service.bodies())


def test_members_are_shared_by_weight_with_the_values_of_their_lanes(world: CampaignWorld) -> None:
    world.begin(LANES, *"abcdef")
    world.service.script = lambda request, earlier: gone_for(50)
    world.drive(3)
    assert lanes_of(world) == {"big": 4, "small": 2}
    assert {(body["lane"], body["partition"]) for body in world.service.bodies()} == {
        ("big", "gpu"),
        ("small", "local"),
    }


def test_a_drained_lane_gets_nothing_until_it_is_undrained(world: CampaignWorld) -> None:
    id_ = world.begin(LANES + "[limits]\nopen = 2\n", *"abcd")
    with world.ledger.transaction() as tables:
        tables.lanes.set_drained(id_, "big", True)
    world.drive_until(lambda: len(world.service.runs) >= 3)
    assert {*lanes_of(world)} == {"small"}
    with world.ledger.transaction() as tables:
        tables.lanes.set_drained(id_, "big", False)
    world.drive_to_end()
    assert set(world.states().values()) == {"done"}


def test_an_endpoint_that_is_away_gets_no_new_members(world: CampaignWorld) -> None:
    world.begin(LANES, *"abcdef")
    world.service.problems["hpc"] = "endpoint hpc: the service calls it offline"
    world.drive_to_end()
    assert lanes_of(world) == {"small": 6}


def test_the_members_of_a_lost_lane_move_and_its_late_results_are_not_taken(
    world: CampaignWorld,
) -> None:
    world.make_health = quick_health
    world.begin(LANES, *"abc")
    world.service.script = lambda request, earlier: (
        gone_for(1e6) if request.body["lane"] == "big" else Ending(seconds=30)
    )
    world.drive(3)
    lost = [run for run in world.service.runs.values() if run.body["lane"] == "big"]
    assert len(lost) == 2
    world.service.problems["hpc"] = "endpoint hpc: the service calls it offline"
    # Nobody reaches the runs there: they cannot be cancelled either, and go on.
    world.service.cancel = lambda run_ids: None  # type: ignore[method-assign]
    world.drive_until(lambda: bool(world.events_of(LaneChanged)))
    (told, *_) = world.events_of(LaneChanged)
    assert (told.lane, told.is_lost, told.members) == ("big", True, 2)
    moved = lost[0].body["key"]
    world.drive_until(lambda: world.states()[moved] == "running")
    # The endpoint comes back from the dead, with results.
    world.service.problems.clear()
    for run in lost:
        world.service.end_now(run.run_id, Ending(SUCCEEDED, {"facts": "late"}))
    world.drive_to_end()
    assert set(world.states().values()) == {"done"}
    attempts = world.attempts(moved)
    assert [(each.state, each.accepted, each.lane) for each in attempts] == [
        ("superseded", False, "big"),
        ("done", True, "small"),
    ]
    assert world.member(moved).accepted_directory == f"{moved}/run-001.2"
    assert world.member(moved).attempts == 0
    assert lanes_of(world) == {"big": 2, "small": 3}
    assert [event.is_lost for event in world.events_of(LaneChanged)] == [True, False]


def test_a_lane_is_lost_after_the_time_that_its_file_says(world: CampaignWorld) -> None:
    world.begin(LANES.replace('endpoint = "hpc"', 'endpoint = "hpc"\nlost_after = "40 s"'), *"abc")
    world.service.script = lambda request, earlier: (
        gone_for(1e6) if request.body["lane"] == "big" else Ending(seconds=5)
    )
    world.drive(3)
    world.service.problems["hpc"] = "endpoint hpc: the service calls it offline"
    since = world.time
    world.drive_until(lambda: bool(world.events_of(LaneChanged)))
    assert timedelta(seconds=40) <= world.time - since < timedelta(seconds=120)


def test_a_lane_that_is_back_is_used_again(world: CampaignWorld) -> None:
    world.make_health = quick_health
    world.begin(LANES + "[limits]\nopen = 3\n", *"abcdefghi")
    world.service.script = lambda request, earlier: Ending(seconds=40)
    world.service.problems["hpc"] = "offline"
    world.drive_until(lambda: bool(world.events_of(LaneChanged)))
    world.service.problems.clear()
    world.drive_to_end()
    assert lanes_of(world)["big"] > 0


def test_runs_that_are_lost_in_a_row_lose_their_lane(world: CampaignWorld) -> None:
    world.make_health = quick_health
    world.begin(LANES, *"abcdef")
    world.service.script = lambda request, earlier: (
        failed("the node was lost", "node lost")
        if request.body["lane"] == "big"
        else Ending(seconds=5)
    )
    world.drive_to_end()
    assert set(world.states().values()) == {"done"}
    told = world.events_of(LaneChanged)
    assert (told[0].lane, told[0].is_lost) == ("big", True)
    assert lanes_of(world)["small"] == 6


def test_members_stay_where_they_may_not_move(world: CampaignWorld) -> None:
    world.make_health = quick_health
    world.begin(LANES.replace("[retries]", "[retries]\nmove = false"), *"ab")
    world.service.script = lambda request, earlier: gone_for(500)
    world.drive(3)
    world.service.problems["hpc"] = "offline"
    world.drive_until(lambda: bool(world.events_of(LaneChanged)))
    world.drive(20)
    assert len(world.service.runs) == 2


def test_a_person_may_want_a_member_elsewhere(world: CampaignWorld) -> None:
    world.begin(LANES + "[limits]\nopen = 1\n", "a", "b")
    world.change("UPDATE members SET wanted_lane = 'small'")
    world.drive_to_end()
    assert lanes_of(world) == {"small": 2}


def test_a_lost_lane_is_remembered_over_a_restart(world: CampaignWorld) -> None:
    world.make_health = quick_health
    world.begin(LANES, *"abc")
    world.service.script = lambda request, earlier: gone_for(200)
    world.drive(3)
    world.service.problems["hpc"] = "offline"
    world.drive_until(lambda: bool(world.events_of(LaneChanged)))
    world.restart()
    world.begin(LANES, NewMember("d"))
    world.drive(5)
    assert world.member("d").lane == "small"
    assert world.time - timedelta(hours=1) < world.service.runs["run-1"].started


def test_members_that_no_other_lane_takes_stay_in_a_lost_one(world: CampaignWorld) -> None:
    world.make_health = quick_health
    lanes = LANES.replace('endpoint = "hpc"', 'endpoint = "hpc"\ntakes = ["gpu"]').replace(
        'endpoint = "workstation"', 'endpoint = "workstation"\ntakes = ["cpu"]'
    )
    world.begin(lanes, *(NewMember(key, category="gpu") for key in "ab"))
    world.service.script = lambda request, earlier: gone_for(600)
    world.drive(3)
    world.service.problems["hpc"] = "endpoint hpc: the service calls it offline"
    world.drive_until(lambda: bool(world.events_of(LaneChanged)))
    assert world.states() == {"a": "running", "b": "running"}
    # Its runs come to their ends after all, and nothing is done twice.
    world.service.problems.clear()
    world.drive_to_end()
    assert set(world.states().values()) == {"done"}
    assert len(world.service.runs) == 2
