"""What a deployment would do: sources, lock and place compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from headrace.project.check import FlowFinding, check_flows
from headrace.project.errors import ProjectError
from headrace.project.lock import DeployedFlow, DeployedFunction
from headrace.project.project import Project
from headrace.project.sources import FlowSource

if TYPE_CHECKING:
    from headrace.compute import Function
    from headrace.hosted import Services

Change = Literal["create", "update", "register", "adopt", "unchanged"]


@dataclass(frozen=True)
class Step:
    """One thing that a deployment does.

    Attributes:
        kind: ``flow`` or ``function``.
        name: its name in the project.
        change: what is done.
        why: the reason, in a few words.
        sha256: hash of what is deployed.
        id: its id at the place, where it has one already.
    """

    kind: Literal["flow", "function"]
    name: str
    change: Change
    why: str
    sha256: str
    id: str | None = None

    def document(self) -> dict[str, Any]:
        """Returns the step as JSON shows it."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Plan:
    """A deployment before it is done.

    Attributes:
        place: where.
        steps: functions first, then flows, each by name.
        flows: the sources of the flows.
        functions: the sources of the functions.
    """

    place: str
    steps: tuple[Step, ...]
    flows: Mapping[str, FlowSource]
    functions: Mapping[str, Function]

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.change != "unchanged")


def flow_tag(project: Project, name: str) -> str:
    """Returns the keyword by which a flow of the project is found again at a place."""
    return f"headrace:{project.name}/{name}"


def plan(project: Project, place: str, services: Services) -> Plan:
    """Plans the deployment of a project.

    Args:
        project: the project.
        place: ``local`` or ``globus``.
        services: the services there.

    Raises:
        ProjectError: a source cannot be read, or the checker finds an error in a flow.
        ComputeError: a function's module is not as it must be.
    """
    stop_on_errors(check_flows(project))
    flows = project.flows()
    functions = project.functions()
    deployed = project.lock().at(place)
    steps: list[Step] = []
    for name, function in sorted(functions.items()):
        steps.append(_plan_function(function, deployed.functions.get(name), services))
    if flows:
        there = {flow["id"]: flow for flow in owned_flows(services)}
        for name, flow in sorted(flows.items()):
            entry = deployed.flows.get(name)
            exists = entry is not None and (entry.id in there or _flow_exists(entry.id, services))
            tag = flow_tag(project, name)
            tagged = [found["id"] for found in there.values() if tag in found.get("keywords", [])]
            steps.append(_plan_flow(flow, entry, exists, tagged))
    return Plan(place, tuple(steps), flows, functions)


def stop_on_errors(findings: list[FlowFinding]) -> None:
    """Raises for the first error among the checker's findings.

    Raises:
        ProjectError: there is one.
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        more = f"; and {len(errors) - 1} more, see `headrace flow check`" if errors[1:] else ""
        raise ProjectError(f"{errors[0]}{more}")


def owned_flows(services: Services) -> Iterator[dict[str, Any]]:
    """Yields the flow documents that the caller owns at a place."""
    pages = services.flows.paginated.list_flows(filter_roles="flow_owner")
    yield from pages.items()


def _plan_function(function: Function, entry: DeployedFunction | None, services: Services) -> Step:
    name, sha256 = function.name, function.sha256
    if entry is None:
        return Step("function", name, "register", "new", sha256)
    if entry.sha256 != sha256:
        return Step("function", name, "register", "code changed", sha256)
    if not _function_exists(entry.id, services):
        return Step("function", name, "register", "not known there any more", sha256)
    return Step("function", name, "unchanged", "", sha256, entry.id)


def _plan_flow(
    flow: FlowSource, entry: DeployedFlow | None, exists: bool, tagged: list[str]
) -> Step:
    name, sha256 = flow.name, flow.sha256()
    if entry is None or not exists:
        if tagged:
            return Step("flow", name, "adopt", "found there by its keyword", sha256, tagged[0])
        why = "new" if entry is None else "not known there any more"
        return Step("flow", name, "create", why, sha256)
    if entry.sha256 != sha256:
        return Step("flow", name, "update", "source changed", sha256, entry.id)
    return Step("flow", name, "unchanged", "", sha256, entry.id)


def _flow_exists(flow_id: str, services: Services) -> bool:
    return _exists(lambda: services.flows.get_flow(flow_id))


def _function_exists(function_id: str, services: Services) -> bool:
    return _exists(lambda: services.compute.get(f"/v2/functions/{function_id}"))


def _exists(ask: Any) -> bool:
    from globus_sdk import GlobusAPIError

    try:
        ask()
    except GlobusAPIError as error:
        if error.http_status == 404:
            return False
        raise
    return True
