"""Plan of the runs that are to be started now: which members, in which lanes, in which packs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from headrace.campaigns.driver.lanes import LaneLoads, ReadyMember
from headrace.campaigns.driver.limits import RunNeeds, StartBudget


class PlannedMember(ReadyMember, Protocol):
    """A member that waits for its start at a step."""

    @property
    def step(self) -> str:
        """Name of the step that it is at."""
        ...


M = TypeVar("M", bound=PlannedMember)


@dataclass
class PlannedRun(Generic[M]):
    """A run that is to be started.

    Attributes:
        step: the step of its members.
        lane: where.
        members: its members; one, or a pack.
        core_hours: what it is expected to cost.
    """

    step: str
    lane: str
    members: list[M] = field(default_factory=list)
    core_hours: float = 0.0


@dataclass
class StartPlan(Generic[M]):
    """Plan of what is to be started now.

    Attributes:
        runs: the runs, in the order of their members.
        refusals: how many members wait, by the reason.
    """

    runs: list[PlannedRun[M]] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)


def plan_starts(
    members: Iterable[M],
    lanes: LaneLoads,
    budget: StartBudget,
    *,
    pack_of: Callable[[str], int],
    needs_of: Callable[[M], RunNeeds],
) -> StartPlan[M]:
    """Plan what is to be started now.

    Members are taken in their order. One that has to wait lets those behind it pass: a lane that is
    full, or a licence that is not free, holds nobody else. A pack holds members of one step in one
    lane; members that the limit of runs would keep out fill packs that have room.

    Args:
        members: those that are ready, the first one first.
        lanes: the lanes; what is planned is counted there.
        budget: what may be started; used up by what is planned.
        pack_of: returns how many members one run of a step takes at most.
        needs_of: returns what a run that begins with a member takes of the limits.
    """
    plan: StartPlan[M] = StartPlan()
    filling: dict[tuple[str, str], PlannedRun[M]] = {}
    for member in members:
        if budget.is_used_up or lanes.are_full:
            break
        reason = ""
        needs = needs_of(member)
        for lane in lanes.candidates(member):
            run = filling.get((member.step, lane.name))
            if run is None:
                reason = budget.refusal(needs, lane)
            else:
                reason = budget.core_hours_refusal(needs.core_hours)
            if reason:
                continue
            if run is None:
                run = PlannedRun(member.step, lane.name)
                budget.take_run(needs, lane)
                plan.runs.append(run)
            run.members.append(member)
            run.core_hours += needs.core_hours
            budget.take_member(lane, needs.core_hours)
            is_full = len(run.members) >= pack_of(member.step)
            if is_full:
                filling.pop((member.step, lane.name), None)
            else:
                filling[member.step, lane.name] = run
            break
        else:
            plan.refusals[reason or "no lane takes it now"] += 1
    return plan
