"""Settling the job that a directory has on record, before another one may use the directory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ..scheduler import JobId, Scheduler, SchedulerError
from .cancelling import raise_if_cancelled, was_cancelled
from .directory import JobDirectory
from .errors import BatchJobError
from .job_query import POLL_SECONDS, JobPoller
from .notices import Notices
from .submission import LOOKUP_PAUSES, SubmissionRecord, find_job
from .waiting import EndDetector

# One that is cancelled and does not end is cancelled again after so long.
_CANCEL_SECONDS: Final = 60.0
_COMPLETE_ANSWERS: Final = 2


def claim_directory(
    scheduler: Scheduler, directory: JobDirectory, tag: str, task: str, prepare: Callable[[], None]
) -> bool:
    """Make a directory this submission's.

    Args:
        scheduler: the scheduler of this submission.
        directory: the directory.
        tag: name of this submission.
        task: the task that asks.
        prepare: prepares the directory, and writes ``submission.json`` last.

    Returns:
        Whether it was made this submission's just now; otherwise it was before.

    Raises:
        BatchJobError: the task was cancelled meanwhile, or there is no scheduler to ask for the
            job on record.
    """
    while True:
        with directory.locked():
            known = SubmissionRecord.read(directory)
            if known is not None and known.tag == tag:
                return False
            if known is None or is_settled(directory, known):
                prepare()
                return True
        settle_previous_job(scheduler, directory, known, task)


def settle_other_tasks_job(scheduler: Scheduler, directory: JobDirectory, task: str) -> None:
    """Wait until the job of another task that a directory has on record has ended.

    Args:
        scheduler: the scheduler of the present call.
        directory: the directory.
        task: the task that waits.

    Raises:
        BatchJobError: as :func:`settle_previous_job`.
    """
    with directory.locked():
        known = SubmissionRecord.read(directory)
        if known is None or known.task == task or is_settled(directory, known):
            return
    settle_previous_job(scheduler, directory, known, task)


def is_settled(directory: JobDirectory, known: SubmissionRecord) -> bool:
    """Return whether the directory itself has the end of the job on record."""
    if known.settled:
        return True
    if known.job is None:
        return False
    if not known.requeue and directory.exit_record_of({known.job.number}) is not None:
        return True
    ended = directory.read_json("outcome.json")
    if ended.get("settled") == known.job.number:
        return True
    # Earlier versions wrote "lost" of jobs that ran, but no exit code then.
    return ended.get("job_id") == str(known.job) and isinstance(ended.get("exit_code"), int)


def settle_previous_job(
    scheduler: Scheduler, directory: JobDirectory, known: SubmissionRecord, task: str
) -> None:
    """Wait until a job of an earlier task has ended; cancel it where that task was given up.

    Args:
        scheduler: the scheduler of the present call; the job may be another one's.
        directory: the job's directory.
        known: the job.
        task: the task that waits.

    Raises:
        BatchJobError: this task was cancelled, or there is no scheduler on this machine to ask.
    """
    scheduler = known.submitted_to(scheduler)
    if scheduler.missing_commands():
        raise BatchJobError(
            f"{directory.path}: job {known.job or known.tag} of another task may still run there, "
            f"and this machine has no {scheduler.title} to ask; end it, or take another directory"
        )
    notices = Notices(task, directory.path)
    try:
        job = known.job or _find_unconfirmed(scheduler, known, task)
        if job is not None:
            found = replace(known, job=job)
            _wait_for_end(scheduler, directory, found, task, notices)
    finally:
        notices.clear()
    with directory.locked():
        if (now := SubmissionRecord.read(directory)) is not None and now.tag == known.tag:
            directory.write_json("submission.json", {**now.to_dict(), "settled": True})


def _find_unconfirmed(scheduler: Scheduler, known: SubmissionRecord, task: str) -> JobId | None:
    """Look for a job whose submission was never answered; None where there is none."""
    answers, pauses = 0, [*LOOKUP_PAUSES]
    while pauses or answers < _COMPLETE_ANSWERS:
        raise_if_cancelled(task)
        try:
            found, complete = find_job(scheduler, known.tag)
        except SchedulerError:
            found, complete = None, False
        if found is not None:
            return found
        answers += complete
        time.sleep(pauses.pop(0) if pauses else LOOKUP_PAUSES[-1])
    return None


def _wait_for_end(
    scheduler: Scheduler,
    directory: JobDirectory,
    known: SubmissionRecord,
    task: str,
    notices: Notices,
) -> None:
    assert known.job is not None  # noqa: S101 - it was found
    poller, detector = JobPoller(scheduler, known), EndDetector(known.requeue)
    cancelled_at: float | None = None
    while True:
        raise_if_cancelled(task)
        given_up = was_cancelled(known.task)
        if given_up and (cancelled_at is None or time.monotonic() - cancelled_at > _CANCEL_SECONDS):
            cancelled_at = time.monotonic()
            try:
                scheduler.cancel([known.job])
            except SchedulerError as error:
                notices.publish(
                    f"{scheduler.title} job {known.job} cannot be cancelled yet: {error}"
                )
        notices.publish(
            f"{directory.path} is in use by {scheduler.title} job {known.job} of task "
            f"{known.task}; " + ("it is being cancelled" if given_up else "its end is waited for")
        )
        report = poller.poll()
        if report is None:
            time.sleep(POLL_SECONDS)
            continue
        states = [one.state for one in report.jobs]
        if any(not state.final for state in states):
            continue
        if not states and not report.unknown:
            continue
        # A file alone does not settle it: the script may have been run again.
        worst = next((state for state in states if state.may_be_requeued), None)
        state = worst or (states[0] if states else None)
        if detector.has_ended(known.job.number, state, report.accounting_disagrees):
            return
