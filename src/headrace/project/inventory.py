"""What a project has, and what of it is deployed."""

from __future__ import annotations

from typing import Any

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


def _state(source: str, deployed: str | None) -> str:
    if deployed is None:
        return "not deployed"
    return "deployed" if source == deployed else "changed"
