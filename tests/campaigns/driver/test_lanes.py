"""Choice of lanes: categories, room, weights as shares, drained and lost lanes, wanted ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from headrace.campaigns.driver.lanes import LaneLoad, LaneLoads
from tests.support.campaigns.lane_rules import RULES, Rules


@dataclass(frozen=True)
class Waiting:
    category: str = ""
    wanted_lane: str = ""
    avoided_lane: str = ""


def loads(*rules: Rules) -> LaneLoads:
    return LaneLoads(map(LaneLoad, rules))


def start(lanes: LaneLoads, member: Waiting) -> str:
    lane = lanes.choose(member)
    if lane is None:
        return ""
    lane.open_members += 1
    return lane.name


def test_a_member_goes_where_its_category_is_taken() -> None:
    lanes = loads(Rules("gpus", takes=("gpu",)), Rules("others", takes=("any", "small")))
    assert [start(lanes, Waiting(category)) for category in ("gpu", "", "small", "big")] == [
        "gpus",
        "others",
        "others",
        "",
    ]
    refusals = lanes.refusals(Waiting("big"))
    assert refusals == {"gpus": "it does not take big", "others": "it does not take big"}


def test_weights_are_shares_of_what_is_under_way() -> None:
    lanes = loads(Rules("a", weight=2.0), Rules("b"))
    assert Counter(start(lanes, Waiting()) for _ in range(30)) == {"a": 20, "b": 10}


def test_a_lane_whose_members_end_sooner_gets_more_of_them() -> None:
    lanes = loads(Rules("quick"), Rules("slow"))
    started: Counter[str] = Counter()
    for _ in range(100):
        started[start(lanes, Waiting())] += 1
        lanes["quick"].open_members = 0
    assert started["quick"] > started["slow"]


def test_a_full_lane_a_drained_one_and_a_lost_one_get_nothing() -> None:
    lanes = loads(Rules("full", open=1), Rules("drained"), Rules("lost"), Rules("free"))
    lanes["full"].open_members = 1
    lanes["drained"].is_drained = True
    lanes["lost"].problem = "it is lost"
    assert start(lanes, Waiting()) == "free"
    assert lanes.refusals(Waiting()) == {
        "full": "it is full (1 of 1)",
        "drained": "it is drained",
        "lost": "it is lost",
    }


def test_a_limit_that_a_person_has_set_counts_in_the_place_of_the_files() -> None:
    lanes = LaneLoads([LaneLoad(Rules("a", open=5), open_limit=0)])
    assert lanes.are_full
    assert start(lanes, Waiting()) == ""


def test_a_member_is_started_where_it_is_wanted_and_nowhere_else() -> None:
    lanes = loads(Rules("a", takes=("gpu",), open=1), Rules("b"))
    wanted = Waiting(wanted_lane="a")
    assert start(lanes, wanted) == "a"
    assert start(lanes, wanted) == ""
    assert lanes.refusals(wanted) == {"a": "it is full (1 of 1)", "b": "it is wanted in a"}


def test_a_lane_to_be_avoided_is_taken_only_where_no_other_takes_such_members() -> None:
    lanes = loads(Rules("a"), Rules("b", open=1), Rules("gpus", takes=("gpu",)))
    avoids = Waiting(avoided_lane="a")
    assert start(lanes, avoids) == "b"
    # The other one is full, and waited for.
    assert start(lanes, avoids) == ""
    assert lanes.refusals(avoids)["a"] == "its last attempt was there"
    lanes["b"].problem = "its endpoint is offline"
    assert start(lanes, avoids) == "a"


MEMBERS = st.lists(
    st.builds(
        Waiting,
        category=st.sampled_from(["", "x", "y"]),
        wanted_lane=st.sampled_from(["", "", "", "a", "b"]),
        avoided_lane=st.sampled_from(["", "", "a", "b"]),
    ),
    max_size=30,
)


@given(RULES, MEMBERS)
def test_limits_and_categories_hold_and_the_same_choice_is_made_again(
    rules: list[Rules], members: list[Waiting]
) -> None:
    lanes, again = loads(*rules), loads(*rules)
    for member in members:
        name = start(lanes, member)
        assert name == start(again, member)
        if not name:
            assert "" not in lanes.refusals(member).values()
            continue
        chosen = lanes[name].rules
        assert member.wanted_lane in ("", name)
        assert member.wanted_lane or chosen.takes_category(member.category)
    for lane in lanes:
        assert lane.limit is None or lane.open_members <= lane.limit
