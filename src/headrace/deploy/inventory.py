"""Flows and functions of a project, and their state at a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.config.errors import ProjectError
from headrace.config.lock_file import DeployedFlow, DeployedFunction
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services


def flow_inventory(project: Project, target: str) -> list[dict[str, Any]]:
    """Return the flows with ``name``, ``title``, ``state``, ``id`` at a target and ``problem``.

    The state is ``deployed``, ``changed`` (since it was deployed), ``not deployed`` or, where its
    files cannot be read, ``faulty``; the problem says why then.

    Raises:
        ProjectError: the lock file is not one.
    """
    from headrace.project.flow_sources import scan_flows

    deployed = project.lock().at(target).flows
    flows, faults = scan_flows(project.flows_dir)
    return [
        _row(
            name,
            title=flows[name].title if name in flows else "",
            sha256=flows[name].sha256() if name in flows else None,
            deployed=deployed.get(name),
            problem=faults.get(name),
        )
        for name in sorted({*flows, *faults})
    ]


def function_inventory(project: Project, target: str) -> list[dict[str, Any]]:
    """Return the functions with ``name``, ``description``, ``state``, ``id`` and ``problem``.

    States are those of :func:`flow_inventory`.

    Raises:
        ProjectError: the lock file is not one.
    """
    from headrace.compute import scan_functions

    deployed = project.lock().at(target).functions
    functions, faults = scan_functions(project.functions_dir)
    return [
        _row(
            name,
            description=_first_line(functions[name].doc) if name in functions else "",
            sha256=functions[name].sha256 if name in functions else None,
            deployed=deployed.get(name),
            problem=faults.get(name),
        )
        for name in sorted({*functions, *faults})
    ]


def function_arguments(project: Project, name: str) -> dict[str, Any]:
    """Return the JSON schema of the arguments of one function.

    Raises:
        ProjectError: there is none of this name.
        ComputeError: its module is not as it must be.
    """
    from headrace.compute.signatures import arguments_schema

    return arguments_schema(project.function(name))


def function_document(project: Project, target: str, name: str) -> dict[str, Any]:
    """Return what is known of one function, with the JSON schema of its arguments.

    Raises:
        ProjectError: there is none of this name, or the lock file is not one.
        ComputeError: its module is not as it must be.
    """
    from headrace.compute.signatures import arguments_schema, signature

    function = project.function(name)
    deployed = project.lock().at(target).functions.get(name)
    return {
        **_row(name, sha256=function.sha256, deployed=deployed, problem=None),
        "description": function.doc.strip(),
        "signature": signature(function),
        "arguments": arguments_schema(function),
        "bytes": len(function.text.encode()),
        "sha256": function.sha256,
        "path": str(function.path),
    }


def registered_source(
    project: Project, target: str, services: Services, name: str
) -> dict[str, Any]:
    """Return the source text of a function as it is stored at a target.

    Its members are ``name``, ``state``, ``id``, ``description`` and ``source``; the state is one of
    :func:`flow_inventory`.

    Raises:
        ProjectError: there is none of this name, it is not deployed or not stored as text.
        GlobusAPIError: the service refuses.
        HostedError: the service does not answer.
    """
    from headrace.compute.wire_text import source_text
    from headrace.hosted import sdk

    row = next((row for row in function_inventory(project, target) if row["name"] == name), None)
    if row is None:
        project.function(name)  # raises, and lists the known ones
    function_id = row["id"] if row else None
    advice = f"`headrace deploy {name} --at {target}` registers it"
    if row is None or function_id is None:
        raise ProjectError(f"function {name!r} is not deployed at {target}; {advice}")
    try:
        stored = services.read_compute(f"/v2/functions/{function_id}")
    except sdk().GlobusAPIError as error:
        if error.http_status != 404:
            raise
        message = f"function {name!r} ({function_id}) is not known at {target} any more; {advice}"
        raise ProjectError(message) from error
    source = source_text(stored["function_code"])
    if source is None:
        raise ProjectError(f"function {name!r} ({function_id}) is not stored as text; {advice}")
    return {**row, "description": stored.get("description") or "", "source": source}


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0]


def _row(
    name: str,
    *,
    sha256: str | None,
    deployed: DeployedFlow | DeployedFunction | None,
    problem: str | None,
    **more: str,
) -> dict[str, Any]:
    known = deployed.sha256 if deployed else None
    return {
        "name": name,
        **more,
        "state": "faulty" if sha256 is None else _state(sha256, known),
        "id": deployed.id if deployed else None,
        "problem": problem,
    }


def _state(source: str, deployed: str | None) -> str:
    if deployed is None:
        return "not deployed"
    return "deployed" if source == deployed else "changed"
