"""Everything that would fail later in a run, looked at now."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from headrace.errors import HeadraceError
from headrace.project.canary import send_canary
from headrace.project.check import check_flows
from headrace.project.endpoints import service_status
from headrace.project.names import locations_in, resolve_input
from headrace.project.project import Project
from headrace.project.start import check_input, deployed_flow, is_current

if TYPE_CHECKING:
    from headrace.hosted import Services

Health = Literal["good", "warning", "bad", "not checked"]

# Below this, a run's first transfer may already fill the disk.
_LITTLE_SPACE: Final = 1_000_000_000


@dataclass(frozen=True)
class Diagnosis:
    """What was found of one thing.

    Attributes:
        what: the thing, such as ``endpoint simulation``.
        health: how it is.
        words: what is the matter, and the way out; what was seen where all is well.
    """

    what: str
    health: Health
    words: str


@dataclass(frozen=True)
class _Case:
    project: Project
    place: str
    services: Services
    flow: str
    body: Mapping[str, Any]
    canary_seconds: float | None


def diagnose(
    project: Project,
    place: str,
    services: Services,
    flow: str,
    body: Mapping[str, Any],
    *,
    canary_seconds: float | None = None,
) -> list[Diagnosis]:
    """Looks at everything that a run of a flow needs, and goes on where something is wrong.

    Args:
        project: the project.
        place: ``local`` or ``globus``.
        services: the services there.
        flow: the flow's name.
        body: its input, in which names may stand.
        canary_seconds: whether every endpoint shall run a task that does nothing, and within how
            many seconds.

    Raises:
        ProjectError: there is no such flow.
    """
    from globus_sdk import GlobusError

    from headrace.hosted import explain

    project.flow(flow)
    case = _Case(project, place, services, flow, body, canary_seconds)
    found: list[Diagnosis] = []
    for looker in (_definition, _deployment, _input, _collections, _endpoints):
        try:
            found += looker(case)
        except HeadraceError as error:
            found.append(Diagnosis(looker.__name__.strip("_"), "bad", str(error)))
        except GlobusError as error:
            found.append(Diagnosis(looker.__name__.strip("_"), "bad", str(explain(error))))
    return found


def _definition(case: _Case) -> Iterator[Diagnosis]:
    findings = [f for f in check_flows(case.project, [case.flow]) if f.severity != "advice"]
    for finding in findings:
        health: Health = "bad" if finding.severity == "error" else "warning"
        yield Diagnosis("definition", health, str(finding))
    if not findings:
        yield Diagnosis("definition", "good", "the checker finds nothing")


def _deployment(case: _Case) -> Iterator[Diagnosis]:
    deployed = deployed_flow(case.project, case.place, case.flow)
    again = "" if case.place == "local" else f" --at {case.place}"
    if not is_current(case.project, case.place, case.flow):
        words = f"changed since it was deployed: run `headrace deploy{again}`"
        yield Diagnosis("deployment", "warning", words)
    else:
        there = case.services.flows.get_flow(deployed.id)
        yield Diagnosis("deployment", "good", f"{there['title']} ({deployed.id})")


def _input(case: _Case) -> Iterator[Diagnosis]:
    from headrace.flowlang import payload_problem

    body = resolve_input(case.project, case.project.lock(), case.place, case.body)
    check_input(case.flow, body, case.project.flow(case.flow).input_schema)
    problem = payload_problem(body)
    size = len(json.dumps(body).encode())
    if problem is not None:
        yield Diagnosis("input", "bad", f"it cannot be a payload: {problem}")
    else:
        yield Diagnosis("input", "good", f"it fits the schema, {size:,} bytes")


def _collections(case: _Case) -> Iterator[Diagnosis]:
    for name, path in sorted(locations_in(case.body)):
        what = f"{name}:{path}"
        if case.place != "local":
            yield Diagnosis(what, "not checked", "the collection is asked when the run begins")
            continue
        root = case.project.collection(name).root
        if ".." in Path(path).parts:
            yield Diagnosis(what, "bad", "a path must not leave its collection")
            continue
        yield from _directory(what, root, root / path.lstrip("/"))


def _directory(what: str, root: Path, directory: Path) -> Iterator[Diagnosis]:
    if not root.is_dir():
        yield Diagnosis(what, "bad", f"the collection's root {root} is not a directory")
        return
    there = directory.exists()
    nearest = directory
    while not nearest.exists():
        nearest = nearest.parent
    if there and not os.access(directory, os.R_OK):
        yield Diagnosis(what, "bad", f"{directory} cannot be read: see its permissions")
    elif not os.access(nearest, os.W_OK):
        words = f"{nearest} cannot be written, which does not matter where it is only read"
        yield Diagnosis(what, "warning", words)
    elif (free := shutil.disk_usage(nearest).free) < _LITTLE_SPACE:
        yield Diagnosis(what, "warning", f"only {free / 1e6:,.0f} MB are free in {nearest}")
    else:
        state = "is there" if there else "is not there yet"
        yield Diagnosis(what, "good", f"{state}; {free / 1e9:,.0f} GB are free")


def _endpoints(case: _Case) -> Iterator[Diagnosis]:
    functions = sorted(set(_named("function", case.body)))
    for name in sorted(set(_named("endpoint", case.body))):
        what = f"endpoint {name}"
        endpoint_id = case.project.endpoint_id(name, case.place)
        status = service_status(case.services, endpoint_id)
        if status != "online":
            start = f"start it where it runs with `headrace endpoint start {name}`"
            yield Diagnosis(what, "bad", f"the service calls it {status}: {start}")
            continue
        yield Diagnosis(what, "good", f"online ({endpoint_id})")
        yield from _allowed(case, name, endpoint_id, functions)
        if case.canary_seconds is not None:
            canary = send_canary(
                case.project, case.place, case.services, endpoint_id, case.canary_seconds
            )
            words = f"the canary {canary.story} ({canary.seconds:.1f} s)"
            yield Diagnosis(what, "good" if canary.lives else "bad", words)


def _allowed(case: _Case, name: str, endpoint_id: str, functions: list[str]) -> Iterator[Diagnosis]:
    from globus_sdk import GlobusAPIError

    try:
        answer = case.services.compute.get_endpoint_allowlist(endpoint_id).data
    except GlobusAPIError as error:
        words = f"its list of functions is not shown to you ({error.http_status})"
        yield Diagnosis(f"endpoint {name}", "not checked", words)
        return
    if not answer.get("restricted"):
        return
    allowed = set(map(str, answer.get("functions") or []))
    deployed = case.project.lock().at(case.place).functions
    for function in functions:
        if function in deployed and deployed[function].id not in allowed:
            yield Diagnosis(
                f"endpoint {name}",
                "bad",
                f"it does not run {function} as it is deployed now: run "
                f"`headrace endpoint restart {name}` where it runs",
            )


def _named(kind: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if set(value) == {kind} and isinstance(value[kind], str):
            yield value[kind]
        else:
            for item in value.values():
                yield from _named(kind, item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(kind, item)
