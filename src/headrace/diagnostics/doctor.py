"""Diagnosis of everything that a run of a flow needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.settings import file_kind
from headrace.config.project_config import at_option
from headrace.diagnostics.preflight import check_endpoint, endpoints_in
from headrace.diagnostics.scheduler_check import check_scheduler
from headrace.endpoints.canary import send_canary
from headrace.endpoints.configuration_check import endpoint_problem
from headrace.errors import HeadraceError
from headrace.project.diagnosis import Diagnosis, Health
from headrace.project.flow_check import check_flows
from headrace.project.pipelines import find_pipelines
from headrace.project.project import Project
from headrace.runs.collection_access import check_location, read_only_members
from headrace.runs.describe import format_duration
from headrace.runs.input_resolution import (
    Location,
    locations_of,
    names_of_kind,
    resolve_input,
)
from headrace.runs.launch import check_input, deployed_flow, is_current

if TYPE_CHECKING:
    from headrace.hosted import Services

# Of arguments and of results, at the hosted services.
_TASK_BYTES: Final = 10_000_000
# Of an action that says nothing of it.
_WAIT_TIME: Final = 300


@dataclass(frozen=True)
class _Case:
    project: Project
    target: str
    services: Services
    flow: str
    body: Mapping[str, Any]
    canary_seconds: float | None


def diagnose(
    project: Project,
    target: str,
    services: Services,
    flow: str,
    body: Mapping[str, Any],
    *,
    canary_seconds: float | None = None,
) -> list[Diagnosis]:
    """Check everything that a run of a flow needs, and go on where something is wrong.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        flow: the flow's name.
        body: its input, in which names may stand.
        canary_seconds: whether every endpoint shall run a task that does nothing, and within how
            many seconds.

    Raises:
        ProjectError: there is no such flow.
    """
    project.flow(flow)
    case = _Case(project, target, services, flow, body, canary_seconds)
    found: list[Diagnosis] = []
    checks = (_definition, _deployment, _input, _login, _providers, _collections, _endpoints)
    for check in (*checks, _campaigns):
        found += _catch_errors(check.__name__.strip("_"), check(case))
    return found


def _catch_errors(what: str, check: Iterable[Diagnosis]) -> Iterator[Diagnosis]:
    """Yield the findings of a check; one that cannot go on is a bad finding, and ends only itself.

    Args:
        what: what is checked.
        check: yields findings as it makes them.
    """
    from globus_sdk import GlobusError

    from headrace.hosted import explain

    try:
        yield from check
    except GlobusError as error:
        yield Diagnosis(what, "bad", str(explain(error)))
    except (HeadraceError, OSError) as error:
        yield Diagnosis(what, "bad", str(error))


def _definition(case: _Case) -> Iterator[Diagnosis]:
    findings = [f for f in check_flows(case.project, [case.flow]) if f.severity != "advice"]
    for finding in findings:
        health: Health = "bad" if finding.severity == "error" else "warning"
        yield Diagnosis("definition", health, str(finding))
    if not findings:
        yield Diagnosis("definition", "good", "the checker finds nothing")


def _deployment(case: _Case) -> Iterator[Diagnosis]:
    deployed = deployed_flow(case.project, case.target, case.flow)
    again = at_option(case.target)
    if not is_current(case.project, case.target, case.flow):
        message = f"changed since it was deployed: run `headrace deploy{again}`"
        yield Diagnosis("deployment", "warning", message)
    else:
        there = case.services.flows.get_flow(deployed.id)
        yield Diagnosis("deployment", "good", f"{there['title']} ({deployed.id})")


def _input(case: _Case) -> Iterator[Diagnosis]:
    from headrace.flowlang import payload_problem

    body = resolve_input(case.project, case.project.lock(), case.target, case.body)
    check_input(case.flow, body, case.project.flow(case.flow).input_schema)
    problem = payload_problem(body)
    size = len(json.dumps(body).encode())
    if problem is not None:
        yield Diagnosis("input", "bad", f"it cannot be a payload: {problem}")
    elif size > _TASK_BYTES:
        message = f"{size:,} bytes; a task takes {_TASK_BYTES:,}: pass paths, not data"
        yield Diagnosis("input", "warning", message)
    else:
        yield Diagnosis("input", "good", f"it fits the schema, {size:,} bytes")


def _login(case: _Case) -> Iterator[Diagnosis]:
    if case.target == "local":
        return
    from headrace.hosted import login_seconds

    left = login_seconds()
    longest = max_run_seconds(case.project.flow(case.flow).definition)
    what = f"the flow's actions may take {format_duration(longest)}"
    if left is None:
        yield Diagnosis("login", "good", f"it renews itself; {what}")
    elif left < longest:
        message = f"it ends in {format_duration(left)}, and {what}: run `headrace login --force`"
        yield Diagnosis("login", "warning", message)
    else:
        yield Diagnosis("login", "good", f"it lasts {format_duration(left)}; {what}")


def _providers(case: _Case) -> Iterator[Diagnosis]:
    if case.target == "local":
        yield from unusable_providers()


def unusable_providers() -> Iterator[Diagnosis]:
    """Yield a warning for each action provider of another package that cannot be used."""
    from headrace.action_providers import installed_providers

    for problem in installed_providers().problems.values():
        yield Diagnosis("action providers", "warning", problem)


def _campaigns(case: _Case) -> Iterator[Diagnosis]:
    """Yield what is wrong with the files of campaigns that start the flow."""
    kind = file_kind("campaign.toml")
    campaigns = find_pipelines(case.project.root)[case.flow].campaigns
    for file in kind.files(case.project.root) if kind is not None else ():
        if file.stem not in campaigns:
            continue
        problems = kind.problems(file) if kind is not None else []
        for problem in problems:
            yield Diagnosis(f"campaign {file.stem}", "bad", problem)
        if not problems:
            message = f"its file has no fault; its rows: `headrace campaign check {file.stem}`"
            yield Diagnosis(f"campaign {file.stem}", "good", message)


def _collections(case: _Case) -> Iterator[Diagnosis]:
    definition = case.project.flow(case.flow).definition
    reached = set()
    for location in locations_of(case.body):
        for one in _catch_errors(str(location), _location(case, location, definition)):
            yield one
            reached |= {location.collection} if one.health != "bad" else set()
    if case.target != "local":
        for name in sorted(reached):
            what = f"collection {name}"
            yield from _catch_errors(what, _session(case, name, max_run_seconds(definition)))


def _location(case: _Case, location: Location, definition: Any) -> Iterator[Diagnosis]:
    must_exist = location.member in read_only_members(definition)
    yield check_location(case.project, case.target, case.services, location, must_exist=must_exist)


def _session(case: _Case, name: str, longest: float) -> Iterator[Diagnosis]:
    """High-assurance collections want a login every so often, also while a run is under way."""
    collection_id = case.project.collection_id(name, case.target)
    collection = case.services.transfer.get_endpoint(collection_id).data
    minutes = collection.get("authentication_timeout_mins")
    if not collection.get("high_assurance") or not isinstance(minutes, int):
        return
    message = f"it is of high assurance and wants a login every {format_duration(60.0 * minutes)}"
    if 60 * minutes < longest:
        message += (
            f", and the flow's actions may take {format_duration(longest)}: the run will wait "
        )
        message += "for you, to be resumed with `headrace run resume`"
        yield Diagnosis(f"collection {name}", "warning", message)
    else:
        yield Diagnosis(f"collection {name}", "good", message)


def max_run_seconds(definition: Any) -> float:
    """Return how long the actions of a flow may take together, seconds: their WaitTime.

    Args:
        definition: the flow's definition.
    """
    if isinstance(definition, Mapping):
        here = 0.0
        if definition.get("Type") in ("Action", "Wait"):
            seconds = definition.get("WaitTime", definition.get("Seconds", _WAIT_TIME))
            here = float(seconds) if isinstance(seconds, int | float) else 0.0
        return here + sum(max_run_seconds(item) for item in definition.values())
    if isinstance(definition, list):
        return sum(max_run_seconds(item) for item in definition)
    return 0.0


def _endpoints(case: _Case) -> Iterator[Diagnosis]:
    for name in endpoints_in(case.body):
        yield from _catch_errors(f"endpoint {name}", _endpoint(case, name))


def _endpoint(case: _Case, name: str) -> Iterator[Diagnosis]:
    problem = endpoint_problem(case.project, name) if case.target == "local" else ""
    if problem:
        yield Diagnosis(f"endpoint {name}", "bad", problem)
        return
    found = check_endpoint(case.project, case.target, case.services, name)
    yield found
    if case.target == "local":
        yield from check_scheduler(case.project, name)
    if found.health == "bad":
        return
    endpoint_id = case.project.endpoint_id(name, case.target)
    yield from _allowed(case, name, endpoint_id, sorted(set(names_of_kind("function", case.body))))
    if case.canary_seconds is not None:
        canary = send_canary(
            case.project, case.target, case.services, endpoint_id, case.canary_seconds
        )
        message = f"the canary {canary.message} ({canary.seconds:.1f} s)"
        yield Diagnosis(found.subject, "good" if canary.succeeded else "bad", message)


def _allowed(case: _Case, name: str, endpoint_id: str, functions: list[str]) -> Iterator[Diagnosis]:
    from globus_sdk import GlobusAPIError

    try:
        answer = case.services.compute.get_endpoint_allowlist(endpoint_id).data
    except GlobusAPIError as error:
        message = f"its list of functions is not shown to you ({error.http_status})"
        yield Diagnosis(f"endpoint {name}", "not checked", message)
        return
    if not answer.get("restricted"):
        return
    allowed = set(map(str, answer.get("functions") or []))
    deployed = case.project.lock().at(case.target).functions
    for function in functions:
        if function in deployed and deployed[function].id not in allowed:
            yield Diagnosis(
                f"endpoint {name}",
                "bad",
                f"it does not run {function} as it is deployed now: run "
                f"`headrace endpoint restart {name}` where it runs",
            )
