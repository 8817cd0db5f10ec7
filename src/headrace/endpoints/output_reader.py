"""Reading what tasks and their batch jobs printed, here or at the endpoint where they ran."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from headrace.endpoints.builtin_functions import (
    BuiltinFunction,
    builtin_function_id,
    call_builtin_function,
)
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services

# Of each stream, through an endpoint: results are limited to 10 MB.
REMOTE_BYTES: Final = 200_000
LOCAL_BYTES: Final = 10_000_000


def reader_id(project: Project, target: str, services: Services) -> str:
    """Return the id of the function that reads what jobs printed; register it the first time."""
    return builtin_function_id(project, target, services, _reader())


def read_jobs_here(
    task_id: str, directories: Sequence[str], limit: int = LOCAL_BYTES
) -> list[dict[str, Any]]:
    """Return what a task's jobs printed, from this machine's files.

    Args:
        task_id: the task.
        directories: where its jobs may have their directories.
        limit: bytes of each stream, from its end.
    """
    from headrace.compute.job_reader import headrace_job_output

    return headrace_job_output(task_id, list(directories), limit)


def read_jobs_there(
    project: Project,
    target: str,
    services: Services,
    endpoint_id: str,
    task_id: str,
    directories: Sequence[str],
    deadline: float,
) -> tuple[list[dict[str, Any]], str]:
    """Return what a task's jobs printed, read by the endpoint where it ran.

    Returns:
        The jobs as :func:`~headrace.compute.job_reader.headrace_job_output` returns them, and why
        they could not be read, empty where they were.
    """
    kwargs = {"task_id": task_id, "places": list(directories), "limit": REMOTE_BYTES}
    answer = call_builtin_function(
        project, target, services, endpoint_id, _reader(), kwargs, deadline
    )
    return (answer.value if isinstance(answer.value, list) else []), answer.error


def _reader() -> BuiltinFunction:
    from headrace.compute.job_reader import NAME, reader_code

    return BuiltinFunction(NAME, reader_code(), "output_reader")
