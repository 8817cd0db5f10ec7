"""Waiting for a job: the file that it leaves first, the scheduler seldom.

Only a positive statement ends a wait: the file with the job's exit code, a final state, or
"no such job" from a scheduler that answers cleanly otherwise. No answer is none.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from ..scheduler import Job, JobId, JobState, Scheduler
from .cancelling import was_cancelled
from .directory import ExitRecord, JobDirectory
from .errors import BatchJobError
from .job_query import POLL_SECONDS, JobPoller, first_unfinished
from .notices import Notices
from .submission import SubmissionRecord

# A job that the scheduler says it does not have is given up after so long; where accounting says
# that it runs, the scheduler may just be coming up.
UNKNOWN_SECONDS: Final = 30.0
_DISAGREEMENT_SECONDS: Final = 600.0
# The file system of a compute node may show a file here later than the scheduler shows the end.
FILE_SECONDS: Final = 45.0
# The same for a job that was killed: it leaves such a file only if it had just ended by itself.
KILLED_FILE_SECONDS: Final = 2.0
# A job that may be run again comes back within so long, or does not.
REQUEUE_SECONDS: Final = 180.0
# How long the scheduler is asked for the state of a job that has left its exit code.
FINAL_RECORD_SECONDS: Final = 4.0
# So long after that it is asked again whether one may be run again.
_UNDECIDED_SECONDS: Final = 10.0


class EndDetector:
    """The rule by which answers amount to an end, for jobs and for members of arrays.

    Args:
        requeue: whether the scheduler may run the job again after its node was lost.
    """

    def __init__(self, requeue: bool) -> None:
        self._requeue = requeue
        self._unknown_since: dict[str, float] = {}
        self._final_since: dict[str, float] = {}

    def has_ended(
        self, key: str, state: JobState | None, accounting_disagrees: bool = False
    ) -> bool:
        """Return whether the last answer about a job, or a member, is its end.

        Args:
            key: name of the job or member.
            state: its state; None: the scheduler says that it has no such job.
            accounting_disagrees: whether accounting says that it has not ended.
        """
        now = time.monotonic()
        if state is None:
            self._final_since.pop(key, None)
            limit = _DISAGREEMENT_SECONDS if accounting_disagrees else UNKNOWN_SECONDS
            return now - self._unknown_since.setdefault(key, now) >= limit
        self._unknown_since.pop(key, None)
        if not state.final:
            self._final_since.pop(key, None)
            return False
        if not (self._requeue and state.may_be_requeued):
            return True
        return now - self._final_since.setdefault(key, now) >= REQUEUE_SECONDS


@dataclass(frozen=True)
class JobEnd:
    """The end of a job.

    Attributes:
        job: the job that did the work.
        exit_record: exit code that its script left; None where it left none.
        scheduler_record: the scheduler's last record; None where it has none.
    """

    job: JobId
    exit_record: ExitRecord | None = None
    scheduler_record: Job | None = None


def wait_for_job(
    scheduler: Scheduler,
    directory: JobDirectory,
    submission: SubmissionRecord,
    *,
    task: str,
    requeue: bool = False,
) -> JobEnd:
    """Wait until a job has ended.

    The job's exit code is looked for twice a second. The scheduler is asked at growing intervals,
    for the jobs that end without leaving one.

    Args:
        scheduler: the scheduler.
        directory: the job's directory.
        submission: the job.
        task: the task that waits.
        requeue: whether the scheduler may run the job again after its node was lost.

    Raises:
        BatchJobError: the task was cancelled.
    """
    job = submission.job
    assert job is not None  # noqa: S101 - it was submitted
    poller, detector = JobPoller(scheduler, submission), EndDetector(requeue)
    notices = Notices(task, directory.path)
    restarts, checked, undecided = 0, time.monotonic(), 0.0
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(notices.clear)
        while True:
            # Another job of the same submission may have started the work.
            names = {job.number, directory.owner() or job.number}
            record = directory.exit_record_of(names)
            if record and record.restarts >= restarts and time.monotonic() >= undecided:
                end = _end_with_exit_record(poller, job, record, requeue)
                if end is not None:
                    return end
                undecided = time.monotonic() + _UNDECIDED_SECONDS
            time.sleep(POLL_SECONDS)
            if time.monotonic() - checked > 2.0:
                checked = time.monotonic()
                if was_cancelled(task):
                    raise BatchJobError(f"the task was cancelled; its job is {job}")
            report = poller.poll()
            if report is None:
                continue
            found = first_unfinished(report.jobs)
            if found is None and not report.unknown:
                continue
            if found is not None:
                restarts = max(restarts, found.restarts or 0)
                directory.append_state(found.state.value, found.reason, found.nodes)
                report_blocked(scheduler, notices, found)
            state = found.state if found is not None else None
            if detector.has_ended(job.number, state, report.accounting_disagrees):
                other = directory.owner()
                if other and other != job.number:
                    job = JobId(other, job.cluster)
                    submission = replace(submission, job=job)
                    poller = JobPoller(scheduler, submission)
                    continue
                record = _wait_for_exit_record(directory, job, restarts, state)
                return JobEnd(job, record, found)


def report_blocked(scheduler: Scheduler, notices: Notices, job: Job) -> None:
    """Publish the reason of a job that will not start by itself."""
    if job.needs_attention:
        why = job.reason or job.state.value
        advice = scheduler.release_advice(job)
        notices.publish(
            f"{scheduler.title} job {job.number} needs somebody: {why}"
            + (f" ({advice})" if advice else "")
        )
    else:
        notices.clear()


def _end_with_exit_record(
    poller: JobPoller, job: JobId, left: ExitRecord, requeue: bool
) -> JobEnd | None:
    """Return the end of a job that has left its exit code; None: it may be run again."""
    # The scheduler knows why a script failed; that one has succeeded, its code says.
    wait = FINAL_RECORD_SECONDS if left.code else POLL_SECONDS * 4
    record = poller.final_record(wait, final=left.code != 0)
    if record is not None and record.number != left.job:
        record = None
    if requeue:
        open_ = record is None or not record.state.final
        if record is not None and (record.restarts or 0) > left.restarts:
            return None
        if left.code != 0 and (open_ or (record is not None and record.state.may_be_requeued)):
            # What ends a job to run it again also makes its script fail.
            return None
    ended = record if record is not None and record.state.final else None
    return JobEnd(JobId(left.job, job.cluster), left, ended)


def _wait_for_exit_record(
    directory: JobDirectory, job: JobId, restarts: int, state: JobState | None
) -> ExitRecord | None:
    # What was killed leaves nothing; what ended by itself leaves its code before it ends.
    by_itself = state in (JobState.COMPLETED, JobState.FAILED)
    end = time.monotonic() + (FILE_SECONDS if by_itself else KILLED_FILE_SECONDS)
    names: Collection[str] = (job.number,)
    while True:
        record = directory.exit_record_of(names)
        if record is not None and record.restarts >= restarts:
            return record
        if time.monotonic() > end:
            return None
        time.sleep(POLL_SECONDS)
