"""Names in the project of what inputs of runs name by ids."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from headrace.config.errors import ProjectError

if TYPE_CHECKING:
    from headrace.project import Project


def names_by_id(project: Project, target: str) -> dict[str, tuple[str, str]]:
    """Return by its id at a target what each is, and its name.

    Args:
        project: the project.
        target: ``local`` or ``globus``.

    Returns:
        ``collection``, ``endpoint`` or ``function``, and the name.
    """
    found: dict[str, tuple[str, str]] = {}
    # One that has no id at this target is in no input there.
    for name in project.collections:
        with contextlib.suppress(ProjectError):
            found[project.collection_id(name, target)] = ("collection", name)
    for name in project.endpoints:
        with contextlib.suppress(ProjectError):
            found[project.endpoint_id(name, target)] = ("endpoint", name)
    for name, deployed in project.lock().at(target).functions.items():
        found[deployed.id] = ("function", name)
    return found
