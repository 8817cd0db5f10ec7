"""Endpoints that a run has sent tasks to, by its log."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from headrace.config.errors import ProjectError
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services

_MEMBERS: Final = ("endpoint_id", "endpoint")


def endpoints_of(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the endpoints that the actions of a log were sent to.

    Args:
        entries: entries of a run's log.
    """
    found: set[str] = set()
    for entry in entries:
        given = (entry.get("details") or {}).get("input")
        if entry.get("code") == "ActionStarted" and isinstance(given, Mapping) and "tasks" in given:
            found |= {str(given[name]) for name in _MEMBERS if isinstance(given.get(name), str)}
    return found


def uses_endpoint(services: Services, run_id: str, endpoint_ids: Collection[str]) -> bool:
    """Return whether a run has sent tasks to one of some endpoints.

    Args:
        services: the services of the target where it is.
        run_id: the run.
        endpoint_ids: the endpoints.
    """
    entries = services.read_items(f"/runs/{run_id}/log", "entries", {"limit": 100})
    return not endpoints_of(entries).isdisjoint(endpoint_ids)


def endpoint_names(project: Project, target: str) -> dict[str, str]:
    """Return the names of a project's endpoints by their ids at a target.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
    """
    found: dict[str, str] = {}
    for name in project.endpoints:
        # One that has no id at this target is used by no run there.
        with contextlib.suppress(ProjectError):
            found[project.endpoint_id(name, target)] = name
    return found
