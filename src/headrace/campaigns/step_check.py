"""Check of one step of a campaign: the input of each member against its flow, and its costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from headrace._internal.plain_schemas import fits, is_plain
from headrace._internal.schema_cost import has_bounded_patterns
from headrace.campaigns.campaign import Campaign, Lane, Step
from headrace.campaigns.errors import CampaignError, MemberRefused
from headrace.campaigns.input_shapes import ShapeChecker
from headrace.campaigns.problem_groups import SHOWN
from headrace.campaigns.rendering import (
    MEMBERS,
    Attempt,
    attempt_directory,
    attempt_placeholders,
    member_placeholders,
    render,
    render_number,
    render_text,
)
from headrace.campaigns.step_conditions import may_hold
from headrace.campaigns.varying_input import VaryingInput, json_size
from headrace.config.errors import ProjectError
from headrace.flowlang.limits import PAYLOAD_LIMIT
from headrace.triggers.template import JsonValue, Texts

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.runs.input_resolution import InputResolver


class CheckedMember(Protocol):
    """Member as a check looks at it, in the ledger or not yet."""

    @property
    def key(self) -> str:
        """Its name."""

    @property
    def row(self) -> Mapping[str, Any]:
        """Its columns."""

    @property
    def group(self) -> str:
        """By which it is selected; "" for none."""

    @property
    def category(self) -> str:
        """Its category, by which lanes take it; "" for any."""


class RowProblem(NamedTuple):
    """Problem of a member's input.

    Attributes:
        text: what is wrong, in one line.
        shown: rows with such a problem that are named.
    """

    text: str
    shown: int = SHOWN


# Lanes with which a member's input is made; the others were tried with earlier members.
_TRIED: Final = 1
_MOST_LANES: Final = 50


class StepCheck:
    """Checks the inputs that a step makes of members.

    Args:
        project: the project.
        campaign: the campaign.
        step: the step.
        target: ``local`` or ``globus``.
    """

    def __init__(self, project: Project, campaign: Campaign, step: Step, target: str) -> None:
        self._project, self._campaign, self._step = project, campaign, step
        self._target = target
        self._where = "start" if step.name == "run" else f"step {step.name}"
        self._lane_texts: dict[str, dict[str, Texts]] = {}
        self._tried: set[str] = set()
        self._resolvers: dict[str, InputResolver] = {}
        self._schema: Mapping[str, Any] = {}
        self._is_quick = False
        self._shapes: ShapeChecker | None = None
        self._largest, self._largest_item, self._largest_key = 0, 0, ""
        self._costs = {"cost": 0.0, "disk": 0.0}
        self._varying: dict[str, tuple[VaryingInput, int]] = {}

    @property
    def core_hours(self) -> float | None:
        """Core hours that the members are expected to take; None where that is not told."""
        return self._costs["cost"] if self._step.cost else None

    @property
    def disk(self) -> float | None:
        """Disk that the members are expected to take, GB; None where that is not told."""
        return self._costs["disk"] if self._step.disk else None

    def flow_problems(self) -> Iterator[str]:
        """Yield what is wrong with the step's flow, whatever the members are."""
        from headrace.project.flow_check import check_flows
        from headrace.runs.launch import deployed_flow

        try:
            source = self._project.flow(self._step.flow)
        except ProjectError as error:
            if self._step.flow in self._project.flow_names():
                yield f"{self._where}.flow: {error}"
            return  # one that is not there is told of already
        self._schema = source.input_schema
        self._is_quick = is_plain(self._schema) and has_bounded_patterns(self._schema)
        for found in check_flows(self._project, [self._step.flow], self._target):
            if found.severity == "error":
                yield str(found)
        self._shapes = ShapeChecker(source)
        try:
            deployed_flow(self._project, self._target, self._step.flow)
        except ProjectError as error:
            yield f"{self._where}.flow: {error}"

    def member_problems(self, member: CheckedMember, lanes: Sequence[Lane]) -> list[RowProblem]:
        """Return what is wrong with the input of a member's run, and add to the costs.

        Args:
            member: the member.
            lanes: those that may take it, one at least.
        """
        try:
            if not may_hold(self._step.when, member.row):
                return []
        except MemberRefused as error:
            return [RowProblem(f"{self._where}.{error}")]
        problems: list[RowProblem] = []
        untried = [lane for lane in lanes if lane.name not in self._tried][:_MOST_LANES]
        for lane in untried or lanes[:_TRIED]:
            self._tried.add(lane.name)
            found = self._problems_in(member, lane)
            problems += [problem for problem in found if problem not in problems]
        return problems

    def size_problems(self) -> Iterator[str]:
        """Yield what is wrong with the size of the inputs that members have."""
        if self._target == "local" or not self._largest:
            return
        size = self._largest + self._largest_item * (self._step.pack - 1)
        if self._largest > PAYLOAD_LIMIT:
            yield (
                f"{self._where}.input: that of key {self._largest_key} has {self._largest:,} bytes "
                f"as JSON, and {PAYLOAD_LIMIT:,} are taken: pass paths instead of content"
            )
        elif size > PAYLOAD_LIMIT:
            most = (PAYLOAD_LIMIT - self._largest) // self._largest_item + 1
            yield (
                f"{self._where}.pack: {self._step.pack} members may have {size:,} bytes as JSON, "
                f"and {PAYLOAD_LIMIT:,} are taken: write pack = {most}"
            )

    def _problems_in(self, member: CheckedMember, lane: Lane) -> list[RowProblem]:
        texts = self._texts(member, lane)
        varying = self._varying.get(lane.name) if self._is_quick else None
        variant = None if varying is None else varying[0].variant(texts)
        if varying is not None and variant is not None and varying[0].is_known(variant):
            self._note_size(member.key, varying[1] + variant.size, variant.size)
            return [RowProblem(problem) for problem in self._problems_of_costs(texts)]
        problems = self._all_problems(member, lane, texts)
        if not problems and varying is not None and variant is not None:
            varying[0].remember(variant)
        return problems

    def _all_problems(
        self, member: CheckedMember, lane: Lane, texts: dict[str, Texts]
    ) -> list[RowProblem]:
        step, item = self._step, None
        try:
            if step.takes_list:
                item = render(dict(step.member), texts, f"{self._where}.member")
                texts[MEMBERS] = JsonValue([item])
            body = render(dict(step.input), texts, f"{self._where}.input")
            render_text(step.label, texts, f"{self._where}.label")
            for tag in step.tags:
                render_text(tag, texts, f"{self._where}.tags")
            resolved = self._resolver(lane).resolve(body)
        except CampaignError as error:
            return [RowProblem(self._said_of_lane(str(error), lane))]
        except ProjectError as error:
            # A name that is the same in all rows is told of once.
            shown = SHOWN if self._names_vary(member) else 1
            return [RowProblem(self._said_of_lane(str(error), lane), shown)]
        size = json_size(resolved)
        self._note_size(member.key, size, 0 if item is None else json_size(item) + 1)
        problems = self._schema_problems(resolved)
        if not problems and self._shapes is not None:
            problems = self._shapes.problems(resolved)
        if not problems and lane.name not in self._varying:
            self._prepare(member, lane, texts, size)
        costs = self._problems_of_costs(texts)
        found = (*problems, *costs)
        return [RowProblem(self._said_of_lane(problem, lane)) for problem in found]

    def _names_vary(self, member: CheckedMember) -> bool:
        """Tell whether names in the input depend on the row."""
        columns = {*member.row, "key", "group", "category", "attempt_directory"}
        return VaryingInput(self._step, self._schema, columns).has_varying_names

    def _prepare(
        self, member: CheckedMember, lane: Lane, texts: dict[str, Texts], size: int
    ) -> None:
        """Have the next members' inputs checked by what differs from this one, which is right."""
        columns = {*member.row, "key", "group", "category", "attempt_directory"}
        varying = VaryingInput(self._step, self._schema, columns)
        first = varying.variant(texts)
        if first is not None:
            varying.remember(first)
            self._varying[lane.name] = varying, size - first.size

    def _texts(self, member: CheckedMember, lane: Lane) -> dict[str, Texts]:
        step = self._step.name
        if lane.name not in self._lane_texts:
            self._lane_texts[lane.name] = attempt_placeholders(self._campaign, Attempt(step, lane))
        texts = member_placeholders(
            self._campaign.name, member.key, member.row, member.group, member.category
        )
        texts.update(self._lane_texts[lane.name])
        texts["attempt_directory"] = attempt_directory(member.key, step, 1, 1)
        return texts

    def _resolver(self, lane: Lane) -> InputResolver:
        from headrace.project import load_project
        from headrace.runs.input_resolution import InputResolver

        if lane.profile not in self._resolvers:
            project = self._project
            if lane.profile:
                project = load_project(project.root, lane.profile, self._target)
            self._resolvers[lane.profile] = InputResolver(project, project.lock(), self._target)
        return self._resolvers[lane.profile]

    def _problems_of_costs(self, texts: Mapping[str, Texts]) -> list[str]:
        """Add a member's costs; return what is wrong with them."""
        problems = []
        for name in ("cost", "disk"):
            template = getattr(self._step, name)
            if template:
                try:
                    number = render_number(template, texts, f"{self._where}.{name}")
                except CampaignError as error:
                    problems.append(str(error))
                else:
                    self._costs[name] += max(0.0, number)
        return problems

    def _note_size(self, key: str, size: int, item: int) -> None:
        if size > self._largest:
            self._largest, self._largest_key = size, key
        self._largest_item = max(self._largest_item, item)

    def _schema_problems(self, body: Any) -> list[str]:
        from headrace._internal.json_schema import value_problems

        if self._is_quick and fits(self._schema, body):
            return []
        return [
            f"{self._where}.input{problem.json_path.removeprefix('$')}: {problem.message}; see "
            f"flows/{self._step.flow}/input_schema.json"
            for problem in value_problems(dict(self._schema), body)
        ]

    def _said_of_lane(self, problem: str, lane: Lane) -> str:
        """Name the lane where another would do."""
        return f"{problem} (lane {lane.name})" if len(self._campaign.lanes) > 1 else problem
