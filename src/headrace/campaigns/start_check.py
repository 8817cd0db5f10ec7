"""Problems that would keep members of a campaign from being started, found before anything is."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from headrace.campaigns.campaign import Campaign
from headrace.campaigns.errors import CampaignProblems
from headrace.campaigns.ledger.member import Member
from headrace.campaigns.ledger.tables import LedgerTables
from headrace.campaigns.problem_groups import ProblemGroups
from headrace.campaigns.step_check import StepCheck

if TYPE_CHECKING:
    from headrace.project import Project

# Members whose inputs are made and held against their flows: a tenth of a second. Of larger
# campaigns the others mostly fail alike; `headrace campaign check` looks at all of them.
_MOST: Final = 1_000
# Kinds of problems that are told, and members of each.
_KINDS: Final = 5
_SHOWN: Final = 2
_UNSTARTED: Final = "state IN ('ready', 'waiting') AND attempt = 0"


class StartCheck:
    """Looks at flows, and at members of the ledger that have not begun, wherever they came from.

    Args:
        project: the project.
        campaign: the campaign.
        target: ``local`` or ``globus``.
    """

    def __init__(self, project: Project, campaign: Campaign, target: str) -> None:
        self._campaign = campaign
        self._steps = [StepCheck(project, campaign, step, target) for step in campaign.steps]

    @cached_property
    def _flow_problems(self) -> list[str]:
        found = [problem for step in self._steps for problem in step.flow_problems()]
        return [*dict.fromkeys(found)]

    def check(self, tables: LedgerTables, campaign: int, *, newest: int | None = None) -> None:
        """Refuse a campaign of which nothing, or not every member, could be started.

        Args:
            tables: the ledger, in a transaction, which is left as it was.
            campaign: its number there.
            newest: how many members were added last, which alone are looked at; by default all of
                them, for their lanes, and the first of them, for their inputs.

        Raises:
            CampaignProblems: the first things that are wrong, and how to see all of them.
        """
        found = ProblemGroups()
        for problem in self._flow_problems:
            found.add("", "", problem)
        if not self._flow_problems:
            if newest is None:
                self._check_lanes(tables, campaign, found)
            for member in _unstarted_members(tables, campaign, newest):
                self._check_member(member, found)
        if found.groups:
            raise CampaignProblems(self._lines(found))

    def _check_lanes(self, tables: LedgerTables, campaign: int, found: ProblemGroups) -> None:
        counted = tables.database.execute(
            "SELECT category, count(*) FROM members INDEXED BY by_state WHERE campaign = ? "  # noqa: S608 - our own
            f"AND {_UNSTARTED} GROUP BY category",
            (campaign,),
        )
        for category, count in counted:
            if not self._campaign.lanes_for(category):
                members = f"{count:,} member{'' if count == 1 else 's'}"
                found.add("", "", _without_lane(category, members))

    def _check_member(self, member: Member, found: ProblemGroups) -> None:
        lanes = self._campaign.lanes_for(member.category)
        if member.wanted_lane:
            lanes = tuple(lane for lane in self._campaign.lanes if lane.name == member.wanted_lane)
        if not lanes:
            found.add("", "", _without_lane(member.category, f"member {member.key}"), 1)
            return
        for step in self._steps:
            for problem in step.member_problems(member, lanes):
                found.add(f"member {member.key}", "", problem.text, min(problem.shown, _SHOWN))

    def _lines(self, found: ProblemGroups) -> list[str]:
        command = f"headrace campaign check {self._campaign.name}"
        lines = [line for group in found.groups[:_KINDS] for line in group.lines]
        return [*lines, f"Nothing was started or added; all of it: `{command}`"]


def _without_lane(category: str, members: str) -> str:
    what = f"category {category!r}" if category else "members without a category"
    return f"no lane takes {what}: {members} would wait for ever; add it to lanes.NAME.takes"


def _unstarted_members(tables: LedgerTables, campaign: int, newest: int | None) -> list[Member]:
    order = "ASC" if newest is None else "DESC"
    most = _MOST if newest is None else min(newest, _MOST)
    rows = tables.database.execute(
        f"SELECT id FROM members WHERE campaign = ? AND {_UNSTARTED} "  # noqa: S608 - our own
        f"ORDER BY id {order} LIMIT ?",
        (campaign, most),
    )
    return tables.members.read([int(row[0]) for row in rows])
