"""What a project has, and what of it is deployed."""

from __future__ import annotations

from typing import Any

from headrace.project.errors import ProjectError
from headrace.project.project import Project


def flow_inventory(project: Project, place: str) -> list[dict[str, Any]]:
    """Returns the flows with ``name``, ``title``, ``state`` and ``id`` at a place.

    The state is ``deployed``, ``changed`` (since it was deployed) or ``not deployed``.

    Raises:
        ProjectError: a file cannot be read.
    """
    deployed = project.lock().at(place).flows
    return [
        {
            "name": name,
            "title": flow.title,
            "state": _state(flow.sha256(), deployed[name].sha256 if name in deployed else None),
            "id": deployed[name].id if name in deployed else None,
        }
        for name, flow in project.flows().items()
    ]


def function_inventory(project: Project, place: str) -> list[dict[str, Any]]:
    """Returns the functions with ``name``, ``description``, ``state`` and ``id`` at a place.

    Raises:
        ProjectError: the lock file is not one.
        ComputeError: a module is not as it must be.
    """
    deployed = project.lock().at(place).functions
    return [
        {
            "name": name,
            "description": (function.doc.strip().splitlines() or [""])[0],
            "state": _state(function.sha256, deployed[name].sha256 if name in deployed else None),
            "id": deployed[name].id if name in deployed else None,
        }
        for name, function in project.functions().items()
    ]


def function_document(project: Project, place: str, name: str) -> dict[str, Any]:
    """Returns what is known of one function, with the JSON schema of its arguments.

    Raises:
        ProjectError: there is none of this name, or the lock file is not one.
        ComputeError: a module is not as it must be.
    """
    from headrace.compute.signatures import arguments_schema, signature

    functions = project.functions()
    if name not in functions:
        known = ", ".join(functions) or "none"
        raise ProjectError(f"no function {name!r} in {project.functions_dir}; known: {known}")
    function = functions[name]
    [row] = [row for row in function_inventory(project, place) if row["name"] == name]
    return {
        **row,
        "description": function.doc.strip(),
        "signature": signature(function),
        "arguments": arguments_schema(function),
        "bytes": len(function.code.encode()),
        "sha256": function.sha256,
        "path": str(function.path),
    }


def _state(source: str, deployed: str | None) -> str:
    if deployed is None:
        return "not deployed"
    return "deployed" if source == deployed else "changed"
