"""Plans of starts: order, packs, and limits that keep some members and let others pass."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from headrace.campaigns.driver.lanes import LaneLoad, LaneLoads
from headrace.campaigns.driver.limits import RunNeeds, StartBudget
from headrace.campaigns.driver.start_plan import StartPlan, plan_starts
from tests.support.campaigns.lane_rules import RULES, Rules


@dataclass(frozen=True)
class Waiting:
    key: str
    step: str = "run"
    category: str = ""
    wanted_lane: str = ""
    avoided_lane: str = ""


def planned(
    members: list[Waiting],
    *rules: Rules,
    budget: StartBudget | None = None,
    pack: int = 1,
    needs: RunNeeds | None = None,
) -> StartPlan[Waiting]:
    lanes = LaneLoads(map(LaneLoad, rules or (Rules("a"),)))
    return plan_starts(
        members,
        lanes,
        budget or StartBudget(),
        pack_of=lambda step: pack,
        needs_of=lambda member: needs or RunNeeds(),
    )


def keys(plan: StartPlan[Waiting]) -> list[str]:
    return ["".join(member.key for member in run.members) for run in plan.runs]


def test_members_are_started_in_their_order_up_to_the_limit() -> None:
    members = [Waiting(key) for key in "abcdef"]
    assert keys(planned(members, budget=StartBudget(members=4))) == ["a", "b", "c", "d"]
    assert keys(planned(members, Rules("x", open=1), Rules("y", open=2))) == ["a", "b", "c"]


def test_a_member_that_waits_lets_those_behind_it_pass() -> None:
    members = [Waiting("a"), Waiting("b", category="gpu"), Waiting("c", category="gpu")]
    plan = planned(members, Rules("gpus", takes=("gpu",), open=1), Rules("off", takes=("no",)))
    assert keys(plan) == ["b"]
    assert plan.refusals == {"no lane takes it now": 2}


def test_members_of_one_step_and_lane_share_a_run() -> None:
    members = [Waiting("a"), Waiting("b", step="other"), Waiting("c"), Waiting("d"), Waiting("e")]
    assert keys(planned(members, pack=3)) == ["acd", "b", "e"]


def test_the_rate_counts_runs_and_packs_are_filled_nevertheless() -> None:
    members = [Waiting(key) for key in "abcdefg"]
    assert keys(planned(members, pack=3, budget=StartBudget(runs=2))) == ["abc", "def"]
    other = [Waiting("a"), Waiting("b", step="other"), Waiting("c")]
    plan = planned(other, pack=2, budget=StartBudget(runs=1))
    assert keys(plan) == ["ac"]
    assert plan.refusals == {"as many runs were started as may be in this time": 1}


def test_a_licence_that_is_free_in_another_lane_is_taken_there() -> None:
    lanes = (Rules("a", licences={"matlab": 1}, weight=9.0), Rules("b"))
    plan = planned([Waiting(k) for k in "abc"], *lanes, needs=RunNeeds(licences={"matlab": 1}))
    assert [run.lane for run in plan.runs] == ["a", "b", "b"]


def test_each_member_of_a_pack_takes_its_core_hours() -> None:
    members = [Waiting(key) for key in "abcde"]
    needs = RunNeeds(core_hours=10.0)
    plan = planned(members, pack=3, budget=StartBudget(core_hours=45.0), needs=needs)
    assert keys(plan) == ["abc", "d"]
    assert [run.core_hours for run in plan.runs] == [30.0, 10.0]


@given(
    st.lists(
        st.builds(
            Waiting,
            key=st.integers(0, 10**6).map(str),
            step=st.sampled_from(["s", "t"]),
            category=st.sampled_from(["", "x", "y"]),
        ),
        max_size=40,
        unique_by=lambda member: member.key,
    ),
    RULES,
    st.integers(1, 5),
    st.none() | st.integers(0, 20),
    st.none() | st.integers(0, 6),
    st.integers(0, 3),
)
def test_no_limit_is_ever_passed_and_nobody_is_planned_twice(
    members: list[Waiting],
    rules: list[Rules],
    pack: int,
    open_limit: int | None,
    runs: int | None,
    licences: int,
) -> None:
    budget = StartBudget(members=open_limit, runs=runs, licences={"m": licences})
    needs = RunNeeds(licences={"m": 1})
    plan = planned(members, *rules, budget=budget, pack=pack, needs=needs)
    chosen = [member for run in plan.runs for member in run.members]
    assert len(set(chosen)) == len(chosen) <= (len(members) if open_limit is None else open_limit)
    assert len(plan.runs) <= licences
    assert runs is None or len(plan.runs) <= runs
    assert all(1 <= len(run.members) <= pack for run in plan.runs)
    assert all(member.step == run.step for run in plan.runs for member in run.members)
    by_lane = Counter({run.lane: 0 for run in plan.runs})
    for run in plan.runs:
        by_lane[run.lane] += len(run.members)
    limits = {each.name: each.open for each in rules}
    assert all(limits[name] is None or count <= limits[name] for name, count in by_lane.items())
    # Among equal members the first ones go first.
    if len({(m.step, m.category) for m in members}) == 1 and len(rules) == 1:
        assert chosen == members[: len(chosen)]
