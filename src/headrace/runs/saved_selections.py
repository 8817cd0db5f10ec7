"""Selections that ``headrace.toml`` names: a group shares them, and a check reads them."""

from __future__ import annotations

from headrace._internal.near_names import did_you_mean
from headrace.config.errors import ProjectError
from headrace.project.project import Project
from headrace.runs.points_in_time import point_in_time
from headrace.runs.selection import Selection


def saved_selection(project: Project, name: str) -> Selection:
    """Return the selection of ``[selections.NAME]``; times are counted from now.

    Args:
        project: the project.
        name: its name.

    Raises:
        ProjectError: there is none of this name, or one of its times is none.
    """
    saved = project.config.selections.get(name)
    if saved is None:
        near = did_you_mean(name, project.config.selections)
        raise ProjectError(
            f"{project.config_file}: there is no [selections.{name}]: "
            f"{near or 'write it, or give its conditions as options'}"
        )
    return Selection(
        flows=tuple(saved.flow),
        statuses=tuple(saved.status),
        tags=tuple(saved.tag),
        labels=tuple(saved.label),
        causes=tuple(saved.cause),
        endpoints=tuple(saved.endpoint),
        since=point_in_time(saved.since) if saved.since else None,
        until=point_in_time(saved.until) if saved.until else None,
        unmended=saved.unmended,
        held=saved.held,
    )
