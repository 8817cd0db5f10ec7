"""Plan of a deployment: sources, lock and target compared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from headrace._internal.near_names import known_names
from headrace.config.errors import ProjectError
from headrace.config.ids import is_uuid
from headrace.config.lock_file import Deployed, DeployedFlow, DeployedFunction
from headrace.deploy.drift import (
    Difference,
    desired_document,
    differences,
    fingerprint,
    without_entry,
)
from headrace.deploy.timers import HostedTimer, plan_timers
from headrace.project.flow_check import FlowFinding, check_flows
from headrace.project.flow_sources import FlowSource
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.compute import Function
    from headrace.hosted import Services

Kind = Literal["flow", "function", "timer"]
Change = Literal["create", "update", "register", "adopt", "delete", "orphan", "unchanged"]


@dataclass(frozen=True)
class Step:
    """One thing that a deployment does.

    Attributes:
        kind: ``flow``, ``function`` or ``timer``.
        name: its name in the project.
        change: what is done; of an ``orphan`` nothing, unless it is to be pruned.
        reason: why, in a few words.
        sha256: hash of what is deployed.
        id: its id at the target, where it has one already.
        differences: what the target has otherwise.
        updated_at: when the target changed it last, as seen by the plan.
        is_paused: whether a timer is to start no runs yet.
    """

    kind: Kind
    name: str
    change: Change
    reason: str
    sha256: str
    id: str | None = None
    differences: tuple[Difference, ...] = ()
    updated_at: str | None = None
    is_paused: bool = False

    def document(self) -> dict[str, Any]:
        """Return the step as JSON shows it."""
        names = ("kind", "name", "change", "sha256", "id")
        diff = [line for difference in self.differences for line in difference.lines()]
        members = {name: getattr(self, name) for name in names}
        return {**members, "why": self.reason, "diff": diff}


@dataclass(frozen=True)
class Plan:
    """A deployment before it is done.

    Attributes:
        target: where.
        steps: functions first, then flows and timers, each by name.
        flows: the sources of the flows.
        functions: the sources of the functions.
        timers: the timers of the hosted service.
    """

    target: str
    steps: tuple[Step, ...]
    flows: Mapping[str, FlowSource]
    functions: Mapping[str, Function]
    timers: Mapping[str, HostedTimer] = field(default_factory=dict)

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.change not in ("unchanged", "orphan"))


@dataclass(frozen=True)
class DeploySelection:
    """Selection of what a deployment deploys, and how.

    Attributes:
        names: flows and functions; all where empty.
        prune: whether what the project has no more is removed at the target.
        adopt: id of a flow at the target that becomes the one named in ``names``.
    """

    names: Collection[str] = field(default_factory=tuple)
    prune: bool = False
    adopt: str | None = None


def flow_tag(project: Project, name: str) -> str:
    """Return the keyword by which a flow of the project is found again at a target."""
    return f"headrace:{project.name}/{name}"


def plan(
    project: Project,
    target: str,
    services: Services,
    choice: DeploySelection | None = None,
    timers: Sequence[HostedTimer] = (),
) -> Plan:
    """Plan the deployment of a project.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        choice: what of it; all, and nothing removed, by default.
        timers: those of the project, where the target is ``globus``.

    Raises:
        ProjectError: a source cannot be read, the checker finds an error in a flow, or the choice
            names what is not there.
        ComputeError: a function's module is not as it must be.
    """
    choice = choice or DeploySelection()
    deployed = project.lock().at(target)
    flow_names, function_names = project.flow_names(), project.function_names()
    own = {timer.name: timer for timer in timers}
    _check_choice(choice, flow_names, {*function_names, *own}, deployed)
    chosen = [name for name in flow_names if _chosen(choice, name)]
    stop_on_errors(check_flows(project, chosen, target) if chosen else [])
    flows = project.flows(chosen)
    functions = project.functions(name for name in function_names if _chosen(choice, name))
    steps = [
        _plan_function(function, deployed.functions.get(name), services)
        for name, function in sorted(functions.items())
        if _chosen(choice, name)
    ]
    for name in sorted(set(deployed.functions) - set(function_names)):
        if _chosen(choice, name):
            entry = deployed.functions[name]
            steps.append(_orphan("function", name, entry.id, entry.sha256, choice))
    remote = {}
    if flow_names or deployed.flows:
        remote = {flow["id"]: flow for flow in owned_flows(services)}
    for name, flow in sorted(flows.items()):
        if _chosen(choice, name):
            steps.append(
                _plan_flow(project, flow, deployed.flows.get(name), remote, choice, services)
            )
    steps += _orphaned_flows(project, flow_names, deployed, remote, choice)
    found = plan_timers(project, target, services, timers, lambda name: _chosen(choice, name))
    steps += [Step("timer", **each._asdict()) for each in found]
    return Plan(target, tuple(steps), flows, functions, own)


def stop_on_errors(findings: list[FlowFinding]) -> None:
    """Raise for the first error among the checker's findings.

    Raises:
        ProjectError: there is one.
    """
    # The service still takes a flow whose provider was shut down: `flow check` finds that it fails.
    errors = [
        found
        for found in findings
        if found.severity == "error" and found.finding.code != "deprecated-provider"
    ]
    if errors:
        more = f"; and {len(errors) - 1} more, see `headrace flow check`" if errors[1:] else ""
        raise ProjectError(f"{errors[0]}{more}")


def owned_flows(services: Services) -> Iterator[dict[str, Any]]:
    """Yield the flow documents that the caller may change at a target."""
    query = {"filter_roles": "flow_owner,flow_administrator"}
    yield from services.read_items("/flows", "flows", query)


def _check_choice(
    choice: DeploySelection,
    flows: Collection[str],
    functions: Collection[str],
    deployed: Deployed,
) -> None:
    known = {*flows, *functions, *deployed.flows, *deployed.functions, *deployed.timers}
    unknown = sorted(set(choice.names) - known)
    if unknown:
        words = known_names(unknown[0], {*flows, *functions})
        raise ProjectError(f"no flow and no function {unknown[0]!r} in the project; {words}")
    if choice.adopt is None:
        return
    if not is_uuid(choice.adopt):
        raise ProjectError(f"--adopt {choice.adopt!r}: not the id of a flow")
    if len(choice.names) != 1 or next(iter(choice.names)) not in flows:
        raise ProjectError("--adopt: name the one flow of the project that it becomes")


def _chosen(choice: DeploySelection, name: str) -> bool:
    return not choice.names or name in choice.names


def _plan_function(function: Function, entry: DeployedFunction | None, services: Services) -> Step:
    name, sha256 = function.name, function.sha256
    if entry is None:
        return Step("function", name, "register", "new", sha256)
    if entry.sha256 != sha256:
        return Step("function", name, "register", "code changed", sha256)
    if not _exists(lambda: services.read_compute(f"/v2/functions/{entry.id}")):
        return Step("function", name, "register", "not known there any more", sha256)
    return Step("function", name, "unchanged", "", sha256, entry.id)


def _plan_flow(
    project: Project,
    flow: FlowSource,
    entry: DeployedFlow | None,
    remote: Mapping[str, dict[str, Any]],
    choice: DeploySelection,
    services: Services,
) -> Step:
    name, sha256, tag = flow.name, flow.sha256(), flow_tag(project, flow.name)
    wanted = desired_document(flow, tag)

    def step(change: Change, why: str, found: Mapping[str, Any]) -> Step:
        differing = tuple(differences(wanted, without_entry(found)))
        return Step(
            "flow", name, change, why, sha256, str(found["id"]), differing, found.get("updated_at")
        )

    if choice.adopt is not None:
        found = remote.get(choice.adopt) or _flow(choice.adopt, services)
        if found is None:
            raise ProjectError(f"--adopt {choice.adopt}: no such flow there, or not visible to you")
        return step("adopt", "named by --adopt", found)
    found = None
    if entry is not None:
        found = remote.get(entry.id) or _flow(entry.id, services)
    if entry is None or found is None:
        tagged = [flow for flow in remote.values() if tag in (flow.get("keywords") or [])]
        if tagged:
            return step("adopt", "found there by its keyword", _oldest(tagged))
        why = "new" if entry is None else "not there any more, or not shown to you"
        return Step("flow", name, "create", why, sha256)
    edited = entry.sha256 != sha256
    drifted = bool(entry.remote_sha256) and entry.remote_sha256 != fingerprint(found)
    if edited and drifted:
        return step("update", "source changed, and changed there by somebody", found)
    if edited or drifted:
        return step("update", "source changed" if edited else "changed there by somebody", found)
    return Step("flow", name, "unchanged", "", sha256, entry.id)


def _orphaned_flows(
    project: Project,
    flows: Collection[str],
    deployed: Deployed,
    remote: Mapping[str, dict[str, Any]],
    choice: DeploySelection,
) -> list[Step]:
    orphans = {
        entry.id: (name, entry.sha256)
        for name, entry in deployed.flows.items()
        if name not in flows and _chosen(choice, name)
    }
    prefix = flow_tag(project, "")
    if not choice.names:
        # Those too that a lost lock file does not know.
        kept = {entry.id for name, entry in deployed.flows.items() if name in flows}
        for flow_id, flow in remote.items():
            names = [k[len(prefix) :] for k in flow.get("keywords") or [] if k.startswith(prefix)]
            if names and names[0] not in flows and flow_id not in kept:
                orphans.setdefault(flow_id, (names[0], ""))
    return [
        _orphan("flow", name, flow_id, sha256, choice)
        for flow_id, (name, sha256) in sorted(orphans.items(), key=lambda item: item[1])
    ]


def _orphan(kind: Kind, name: str, id_: str, sha256: str, choice: DeploySelection) -> Step:
    if choice.prune:
        return Step(kind, name, "delete", "not in the project any more", sha256, id_)
    return Step(
        kind, name, "orphan", "not in the project any more: --prune removes it", sha256, id_
    )


def _oldest(found: list[dict[str, Any]]) -> dict[str, Any]:
    return min(found, key=lambda flow: (str(flow.get("created_at", "")), flow["id"]))


def _flow(flow_id: str, services: Services) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = []
    exists = _exists(lambda: found.append(services.read(f"/flows/{flow_id}")))
    return found[0] if exists else None


def _exists(ask: Any) -> bool:
    from headrace.hosted import sdk

    try:
        ask()
    except sdk().GlobusAPIError as error:
        if error.http_status == 404:
            return False
        raise
    return True
