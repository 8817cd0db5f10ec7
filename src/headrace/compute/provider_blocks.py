"""Blocks of endpoints in a scheduler's queue: found by their names, and cancelled."""

from __future__ import annotations

import time
from collections.abc import Iterable

from .errors import ComputeError
from .scheduler import Job, JobId, Scheduler, SchedulerError

_QUESTION_SECONDS = 30.0


class BlockQueue:
    """A cluster's queue, as this user sees it.

    Args:
        scheduler: the scheduler.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        scheduler.timeout = _QUESTION_SECONDS

    def jobs(self) -> list[Job]:
        """Return this user's jobs that have not ended.

        Raises:
            ComputeError: the scheduler does not answer, or not completely.
        """
        try:
            queue = self._scheduler.queue()
        except SchedulerError as error:
            raise ComputeError(str(error)) from error
        if not queue.complete:
            # What is missing from it may be there all the same.
            raise ComputeError(f"{self._scheduler.queue_command}: its answer was not complete")
        return [job for job in queue.jobs if not job.state.final]

    def cancel(self, jobs: Iterable[Job]) -> None:
        """Cancel jobs.

        Raises:
            ComputeError: the scheduler does not answer.
        """
        try:
            self._scheduler.cancel([JobId(job.number, job.cluster) for job in jobs])
        except SchedulerError as error:
            raise ComputeError(str(error)) from error

    def cancel_and_wait(self, label: str, limit: float = 20.0) -> list[str]:
        """Cancel the jobs of a host and wait until they are out of the queue.

        Args:
            label: text that the names of the host's jobs contain. Names decide, not recorded ids:
                a job whose id was never recorded has one too, and ids are used again.
            limit: seconds to wait.

        Returns:
            The jobs that were cancelled.

        Raises:
            ComputeError: the scheduler does not answer, or the jobs do not end.
        """
        cancelled: dict[str, None] = {}
        started_at = time.monotonic()
        pause = 0.1
        while ours := [job for job in self.jobs() if label in job.name]:
            fresh = [job for job in ours if job.job_id not in cancelled]
            if fresh:
                self.cancel(fresh)
                cancelled.update(dict.fromkeys(job.job_id for job in fresh))
            if time.monotonic() - started_at > limit:
                names = ", ".join(job.job_id for job in ours)
                raise ComputeError(
                    f"{self._scheduler.title} jobs {names} do not end; look with "
                    f"{self._scheduler.queue_command}"
                )
            time.sleep(pause)
            pause = min(2 * pause, 2.0)
        return list(cancelled)
