"""Check of a campaign before anything starts: its file, every row of its table, and its costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.campaigns.campaign import Campaign
from headrace.campaigns.campaign_loading import FOLDER, campaign_names, project_problems
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.members.new_members import MemberReader, open_rows
from headrace.campaigns.members.tables import open_table
from headrace.campaigns.needs_graph import NeedsGraph, circle_text
from headrace.campaigns.problem_groups import ProblemGroup, ProblemGroups
from headrace.campaigns.step_check import StepCheck
from headrace.campaigns.template_check import check_columns
from headrace.config.errors import ProjectError

if TYPE_CHECKING:
    from headrace.campaigns.ledger.member import NewMember
    from headrace.campaigns.members.rows import RowTable
    from headrace.project import Project

_PORTION = 1_000


@dataclass(frozen=True)
class CampaignCheck:
    """Outcome of a check.

    Attributes:
        campaign: the campaign.
        members: rows that are members, and rows that cannot be.
        problems: what keeps members from being started, by kinds.
        notes: what is worth knowing, and keeps nothing from being started.
        core_hours: core hours that all members are expected to take, one leg of each step; None
            where the file says no cost.
        disk: GB that all members are expected to take; None where the file does not say it.
        lanes: members that each lane may take, by its name.
    """

    campaign: Campaign
    members: int
    problems: tuple[ProblemGroup, ...]
    notes: tuple[str, ...] = ()
    core_hours: float | None = None
    disk: float | None = None
    lanes: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Problems, each row that has one counted."""
        return sum(group.count for group in self.problems)

    def document(self) -> dict[str, Any]:
        """Return the outcome as JSON shows it."""
        return {
            "campaign": self.campaign.name,
            "members": self.members,
            "problems": [
                {"count": group.count, "examples": list(group.examples)} for group in self.problems
            ],
            "notes": list(self.notes),
            "core_hours": self.core_hours,
            "disk_gb": self.disk,
            "lanes": self.lanes,
        }

    def lines(self) -> list[str]:
        """Return the outcome for people, one line each."""
        found = [line for group in self.problems for line in group.lines]
        found += [f"note: {note}" for note in self.notes]
        facts = [_count(self.members, "member")]
        if self.core_hours is not None:
            facts.append(f"{self.core_hours:,.1f} core hours expected")
        if self.disk is not None:
            facts.append(f"{self.disk:,.1f} GB of disk expected")
        lanes = ", ".join(f"{name} {count:,}" for name, count in self.lanes.items())
        if len(self.lanes) > 1:
            facts.append(f"lanes may take: {lanes}")
        kinds = f" of {_count(len(self.problems), 'kind')}" if len(self.problems) > 1 else ""
        end = f"{_count(self.count, 'problem')}{kinds}." if self.problems else "no problems."
        return [*found, f"{self.campaign.name}: {', '.join(facts)}: {end}"]


def check_campaign(
    project: Project,
    campaign: Campaign,
    target: str,
    *,
    table: Path | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> CampaignCheck:
    """Find everything that would keep members of a campaign from being started.

    Args:
        project: the project.
        campaign: the campaign.
        target: ``local`` or ``globus``.
        table: a table to check instead of the campaign's own.
        progress: told the number of rows that are checked, now and then.

    Raises:
        HeadraceError: the project's lock file cannot be read.
    """
    return _Check(project, campaign, target, progress).run(table)


class _Check:
    def __init__(
        self, project: Project, campaign: Campaign, target: str, progress: Callable[[int], None]
    ) -> None:
        self._project, self._campaign, self._target = project, campaign, target
        self._progress = progress
        self._problems = ProblemGroups()
        self._notes: list[str] = []
        self._needs = NeedsGraph(campaign.name)
        self._lanes = {lane.name: 0 for lane in campaign.lanes}
        self._without_lane: dict[str, int] = {}
        self._members = 0

    def run(self, table: Path | None) -> CampaignCheck:
        for problem in project_problems(self._project, self._campaign):
            if table is None or "members.table" not in problem:
                self._tell(problem.removeprefix(f"{self._campaign.file}: "))
        steps = [
            StepCheck(self._project, self._campaign, step, self._target)
            for step in self._campaign.steps
        ]
        for step in steps:
            for problem in step.flow_problems():
                self._tell(problem)
        self._check_rows(steps, table)
        self._check_needs()
        self._check_lanes()
        for step in steps:
            for problem in step.size_problems():
                self._tell(problem)
        core_hours = _total([step.core_hours for step in steps])
        self._notes += _about_core_hours(self._campaign, core_hours)
        return CampaignCheck(
            campaign=self._campaign,
            members=self._members,
            problems=tuple(self._problems.groups),
            notes=tuple(self._notes),
            core_hours=core_hours,
            disk=_total([step.disk for step in steps]),
            lanes=self._lanes,
        )

    def _check_rows(self, steps: list[StepCheck], table: Path | None) -> None:
        sources = self._campaign.members.sources
        if table is None and not {"table", "directories"} & set(sources):
            come = "as the trigger's arrivals come" if sources else "by `headrace campaign add`"
            self._notes.append(f"members come {come}: their rows are checked then")
            return
        try:
            rows, source = (
                open_rows(self._campaign, self._project)
                if table is None
                else (open_table(table), "added")
            )
            faults = check_columns(self._campaign, rows.columns)
            for fault in faults:
                self._tell(fault)
            reader = MemberReader(self._campaign, rows.columns, source)
            if faults:
                return
            self._read(reader, rows, steps)
        except (CampaignError, ProjectError) as error:
            for line in str(error).splitlines():
                self._tell(line.removeprefix(f"{self._campaign.file}: "))

    def _read(self, reader: MemberReader, rows: RowTable, steps: list[StepCheck]) -> None:
        count = 0
        for found in reader.read(rows.rows):
            count += 1
            if count % _PORTION == 0:
                self._progress(count)
            place = f"{rows.name}: {found.place}"
            if found.member is None:
                self._problems.add(place, "", found.problem)
                continue
            self._members += 1
            self._check_member(found.member, place, steps)
        if not count:
            self._notes.append(f"{rows.name} has no rows: nothing would be started")

    def _check_member(self, member: NewMember, place: str, steps: list[StepCheck]) -> None:
        self._needs.add(member.key, member.needs)
        lanes = self._campaign.lanes_for(member.category)
        if not lanes:
            first = member.category not in self._without_lane
            self._without_lane[member.category] = self._without_lane.get(member.category, 0) + 1
            if not first:
                return
            lanes = self._campaign.lanes[:1]
        else:
            for lane in lanes:
                self._lanes[lane.name] += 1
        for step in steps:
            for problem in step.member_problems(member, lanes):
                self._problems.add(place, member.key, problem.text, problem.shown)

    def _check_needs(self) -> None:
        for key, need in self._needs.unknown():
            self._problems.add("", "", f"key {key}: needs {need!r}, which no row has")
        names = campaign_names(self._project.root)
        for campaign, key in self._needs.campaigns().items():
            if campaign not in names:
                self._tell(f"key {key}: needs campaign {campaign!r}, which is not in {FOLDER}/")
        circle = self._needs.circle()
        if circle:
            self._tell(f"members need each other in a circle: {circle_text(circle)}")

    def _check_lanes(self) -> None:
        for category, count in self._without_lane.items():
            what = f"category {category!r}" if category else "members without a category"
            self._tell(
                f"no lane takes {what}: {_count(count, 'member')} would wait for ever; add it to "
                "lanes.NAME.takes"
            )
        for lane in self._campaign.lanes:
            if lane.open == 0:
                self._notes.append(f"lane {lane.name} takes nothing: open is 0")
            elif self._members and not self._lanes[lane.name]:
                self._notes.append(f"lane {lane.name} takes none of these members: see its takes")

    def _tell(self, problem: str) -> None:
        self._problems.add("", "", problem)


def _about_core_hours(campaign: Campaign, core_hours: float | None) -> Iterator[str]:
    limit = campaign.limits.core_hours
    if core_hours is not None and limit is not None and core_hours > limit:
        yield (
            f"limits.core_hours is {limit:,.0f}, and all members are expected to take "
            f"{core_hours:,.0f}: the last of them would not be started"
        )


def _total(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
