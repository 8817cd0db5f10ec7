"""Looking at scratch directories and removing them, here or at the endpoint where they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.endpoints.builtin_functions import (
    BuiltinFunction,
    builtin_function_id,
    call_builtin_function,
)
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services

Answers = list[dict[str, Any]]


def cleaner_id(project: Project, target: str, services: Services) -> str:
    """Return the id of the function that removes directories; register it the first time."""
    return builtin_function_id(project, target, services, _cleaner())


def clean_here(
    root: Path, directories: Sequence[dict[str, Any]], remove: bool, *, in_use: Sequence[str] = ()
) -> Answers:
    """Look at directories of this machine, or remove them; see `headrace_scratch`."""
    from headrace.compute.scratch_cleaner import headrace_scratch

    return headrace_scratch(str(root), list(directories), remove, tuple(in_use))


def clean_there(
    project: Project,
    target: str,
    services: Services,
    endpoint_id: str,
    root: Path,
    directories: Sequence[dict[str, Any]],
    remove: bool,
    deadline: float,
    *,
    in_use: Sequence[str] = (),
) -> Answers:
    """Look at directories, or remove them, by a task of an endpoint; see `headrace_scratch`.

    Returns:
        What is known of each; where the endpoint does not answer, that is the ``problem``.
    """
    kwargs = {
        "root": str(root),
        "directories": list(directories),
        "remove": remove,
        "in_use": list(in_use),
    }
    answer = call_builtin_function(
        project, target, services, endpoint_id, _cleaner(), kwargs, deadline
    )
    if isinstance(answer.value, list):
        return answer.value
    problem = f"its endpoint has not answered: {answer.error}"
    return [
        {"path": each["path"], "bytes": 0, "files": 0, "problem": problem, "removed": False}
        for each in directories
    ]


def _cleaner() -> BuiltinFunction:
    from headrace.compute.scratch_cleaner import NAME, cleaner_code

    return BuiltinFunction(NAME, cleaner_code(), "scratch_cleaner")
