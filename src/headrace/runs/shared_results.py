"""Clean-up of results that stages share and that were not used for long."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from headrace.endpoints.result_cleaner import clean_results
from headrace.project.project import Project
from headrace.runs.points_in_time import duration
from headrace.runs.scratch import ScratchDirectory

if TYPE_CHECKING:
    from headrace.hosted import Services


def unused_results(
    project: Project, target: str, services: Callable[[], Services], *, remove: bool
) -> list[ScratchDirectory]:
    """Return a row for stored results that were not used for long, or remove them.

    Args:
        project: the project, whose table ``[results]`` says where they are and for how long they
            are kept.
        target: ``local`` or ``globus``.
        services: returns the services there; called where a task is needed.
        remove: whether they are removed.

    Returns:
        No row where the project does not say how long they are kept, or all were used since.

    Raises:
        ProjectError: the table is not complete, or names what there is not.
    """
    table = project.config.results
    if table.keep is None:
        return []
    seconds = duration(table.keep).total_seconds()
    answer = clean_results(project, target, services, seconds, remove)
    count, problem = int(answer["results"]), str(answer["problem"])
    if not count and not problem:
        return []
    return [
        ScratchDirectory(
            *(str(answer["path"]), str(table.collection), "", "", "", ()),
            reason="" if problem else f"{count:,} of its results were not used for {table.keep}",
            problem=problem,
            bytes=int(answer["bytes"]),
            results=count,
            removed=bool(answer["removed"]),
        )
    ]
