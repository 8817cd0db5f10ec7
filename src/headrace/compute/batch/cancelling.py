"""Tasks that were given up: nothing is begun for them any more."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from . import scheduler
from .errors import BatchJobError

# Names a directory on the shared file system with a file for each task that was given up.
VARIABLE: Final = "HEADRACE_CANCELLED"


def was_cancelled(task: str) -> bool:
    """Says whether a task was given up."""
    directory = os.environ.get(VARIABLE)
    return bool(directory) and (Path(str(directory)) / task).exists()


def refuse_cancelled(task: str) -> None:
    """Raises where a task was given up.

    Raises:
        BatchJobError: it was.
    """
    if was_cancelled(task):
        raise BatchJobError("the task was cancelled")


def open_jobs(tasks: Collection[str]) -> list[str]:
    """Returns the jobs that were submitted for tasks and have not ended; arrays as a whole.

    Raises:
        SchedulerError: Slurm does not answer.
    """
    found: dict[str, None] = {}
    for job in scheduler.queue():
        kind, _, rest = job.comment.partition(":")
        ours = kind == "headrace" and rest.rpartition(":")[0] in tasks
        if ours and job.state not in scheduler.ENDS:
            found[job.job_id.partition("_")[0]] = None
    return list(found)
