"""Removing stored results of stages that were not used for long, here or at their endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from headrace.config import ProjectError
from headrace.endpoints.builtin_functions import (
    BuiltinFunction,
    builtin_function_id,
    call_builtin_function,
)
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services

# For a task whose endpoint may have to start first.
_DEADLINE: Final = 600.0


def result_cleaner_id(project: Project, target: str, services: Services) -> str:
    """Return the id of the function that removes results; register it the first time."""
    return builtin_function_id(project, target, services, _cleaner())


def clean_results(
    project: Project,
    target: str,
    services: Callable[[], Services],
    seconds: float,
    remove: bool,
) -> dict[str, Any]:
    """Look at results that were not used for long, or remove them; see `headrace_results`.

    Args:
        project: the project, whose table ``[results]`` says where they are.
        target: ``local`` or ``globus``.
        services: returns the services there; called where a task is needed.
        seconds: for which a result was not used.
        remove: whether they are removed.

    Returns:
        What is known of them; where the endpoint does not answer, that is the ``problem``.

    Raises:
        ProjectError: the table is not complete, or names what there is not.
    """
    from headrace.compute.result_cleaner import headrace_results

    table = project.config.results
    if table.collection is None or table.path is None:
        raise ProjectError(
            f"{project.config_file}: [results] does not say where they are: write `collection`, "
            "its name, and `path`, the directory below its root"
        )
    root = str(project.collection(table.collection).root)
    if target == "local":
        return headrace_results(root, table.path, seconds, remove)
    endpoint_id = project.endpoint_id(table.endpoint, target) if table.endpoint else None
    if not endpoint_id:
        raise ProjectError(
            f"{project.config_file}: [results] needs `endpoint`, the name of one that sees the "
            f"directory, at {target}"
        )
    kwargs = {"root": root, "path": table.path, "seconds": seconds, "remove": remove}
    answer = call_builtin_function(
        project, target, services(), endpoint_id, _cleaner(), kwargs, _DEADLINE
    )
    if isinstance(answer.value, dict):
        return answer.value
    problem = f"its endpoint has not answered: {answer.error}"
    return {"path": table.path, "results": 0, "bytes": 0, "problem": problem, "removed": False}


def _cleaner() -> BuiltinFunction:
    from headrace.compute.result_cleaner import NAME, result_cleaner_code

    return BuiltinFunction(NAME, result_cleaner_code(), "result_cleaner")
