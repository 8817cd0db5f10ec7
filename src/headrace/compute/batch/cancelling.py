"""Tasks that were given up: nothing is started for them any more."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from typing import Final

from ..scheduler import JobId, Scheduler, SchedulerError
from .clusters import known_clusters
from .errors import BatchJobError

# Names a directory on the shared file system with a file for each task that was given up.
CANCELLED_VARIABLE: Final = "HEADRACE_CANCELLED"
_CHECK_SECONDS: Final = 1.0


def was_cancelled(task: str) -> bool:
    """Return whether a task was given up."""
    directory = os.environ.get(CANCELLED_VARIABLE)
    return bool(directory) and os.path.exists(f"{directory}/{task}")  # noqa: PTH110 - often asked


def raise_if_cancelled(task: str) -> None:
    """Raise where a task was given up.

    Raises:
        BatchJobError: it was.
    """
    if was_cancelled(task):
        raise BatchJobError("the task was cancelled")


def sleep_unless_cancelled(seconds: float, task: str) -> None:
    """Sleep, as long as a task is wanted.

    Raises:
        BatchJobError: it was given up.
    """
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _CHECK_SECONDS))
        raise_if_cancelled(task)


def task_of_tag(tag: str) -> str:
    """Return the task that a job was submitted for; empty where it is none of ours."""
    kind, _, rest = tag.partition(":")
    return rest.rpartition(":")[0] if kind == "headrace" else ""


def open_jobs(scheduler: Scheduler, tasks: Collection[str]) -> list[JobId]:
    """Return the jobs that were submitted for tasks and have not ended; an array is one job.

    Args:
        scheduler: the scheduler.
        tasks: the tasks.

    Raises:
        SchedulerError: it does not answer, or not completely and shows none of them.
    """
    queue = scheduler.queue(known_clusters(scheduler))
    found = [
        JobId(job.number, job.cluster)
        for job in queue.jobs
        if task_of_tag(job.tag) in tasks and not job.state.final
    ]
    if not found and not queue.complete:
        raise SchedulerError(f"{scheduler.title}: its answer was not complete")
    return list(dict.fromkeys(found))
