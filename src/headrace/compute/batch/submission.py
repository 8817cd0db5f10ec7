"""Submitting once: the intent is written down first, and the job looked for before a second try."""

from __future__ import annotations

import hashlib
import re
import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..scheduler import (
    JobId,
    Refusal,
    Scheduler,
    SchedulerError,
    SubmissionRefused,
    SubmissionRequest,
    get_scheduler,
    walltime_seconds,
)
from .cancelling import raise_if_cancelled
from .cancelling import sleep_unless_cancelled as _sleep
from .clusters import known_clusters, remember_submission
from .directory import JobDirectory
from .errors import BatchJobError
from .notices import Notices
from .settings import JobSettings, job_environment, without_secrets

# After a submission without an answer the scheduler may still accept the job: it is looked for
# so long.
LOOKUP_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
# So many answers without the job say that it was not accepted.
_COMPLETE_ANSWERS: Final = 2
# A job that is not accepted at the moment is submitted again after so long, then twice as long ...
FIRST_RETRY_SECONDS: Final = 60.0
_MAX_RETRY_SECONDS: Final = 3600.0
# How often a refusal is tried again that cannot be read.
_UNRECOGNIZED_RETRIES: Final = 5
_TASK: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def submission_tag(task_id: str, directory: Path, number: int) -> str:
    """Return the tag of a job: the task, and which of its jobs it is."""
    path = str(directory).encode(errors="surrogateescape")
    place = hashlib.sha256(path + f"\n{number}".encode()).hexdigest()[:12]
    return f"headrace:{task_id}:{place}"


def validate_task_id(task_id: str) -> str:
    """Return a task's id, which becomes part of a job's tag.

    Raises:
        BatchJobError: it cannot.
    """
    if _TASK.fullmatch(task_id) is None:
        raise BatchJobError(f"task_id {task_id!r}: letters, digits and ._- only, at most 100")
    return task_id


@dataclass(frozen=True)
class SubmissionRecord:
    """Record of a job's submission: ``submission.json``.

    Attributes:
        tag: name of the submission; a job with this tag is this one.
        time: when the intent was written down, seconds since 1970.
        job: the job; None while it is not known whether there is one.
        name: the job's name.
        requeue: whether the scheduler may run it again.
        settled: whether it is known that no such job runs, nor will.
        scheduler: name of the scheduler that it was submitted to.
    """

    tag: str
    time: float
    job: JobId | None = None
    name: str = ""
    requeue: bool = True
    settled: bool = False
    scheduler: str = "slurm"

    @property
    def task(self) -> str:
        """The task that it is for."""
        return self.tag.removeprefix("headrace:").rpartition(":")[0]

    @classmethod
    def read(cls, directory: JobDirectory) -> SubmissionRecord | None:
        """Read the submission of a directory; None where nothing was submitted from there."""
        known = directory.read_json("submission.json")
        if not isinstance(known.get("tag"), str):
            return None
        moment = known.get("time")
        return cls(
            known["tag"],
            float(moment) if isinstance(moment, int | float) else 0.0,
            JobId.parse(str(known.get("job_id") or "")),
            str(known.get("name") or ""),
            known.get("requeue") is not False,
            known.get("settled") is True,
            str(known.get("scheduler") or "slurm"),
        )

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "tag": self.tag,
            "time": self.time,
            "job_id": str(self.job) if self.job else None,
            "name": self.name,
            "requeue": self.requeue,
            "settled": self.settled,
            "scheduler": self.scheduler,
        }

    def submitted_to(self, scheduler: Scheduler) -> Scheduler:
        """Return the scheduler that the job was submitted to.

        Args:
            scheduler: the scheduler of the present call, which may be another one.

        Raises:
            BatchJobError: there is none of that name on this machine.
        """
        return scheduler if scheduler.name == self.scheduler else get_scheduler(self.scheduler)


def record_intent(
    scheduler: Scheduler, directory: JobDirectory, settings: JobSettings, tag: str
) -> SubmissionRecord:
    """Write down that a job will be submitted.

    Raises:
        BatchJobError: it cannot be written; nothing was submitted.
    """
    intent = SubmissionRecord(
        tag,
        time.time(),
        name=settings.name,
        requeue=settings.requeue,
        scheduler=scheduler.name,
    )
    directory.write_json("submission.json", intent.to_dict())
    return intent


def submit_once(
    scheduler: Scheduler,
    directory: JobDirectory,
    settings: JobSettings,
    intent: SubmissionRecord,
    *,
    new: bool,
    array_size: int = 0,
    at_once: int = 1,
    wait_at_limit: bool = True,
) -> SubmissionRecord:
    """Submit ``submitted.sh``, unless that was done already.

    A job that the cluster does not accept at the moment is submitted again after 1, 2, 4 ...
    minutes, as long as the task is wanted and within the settings' ``submit_timeout``. Before each
    time the job is looked for: it may have been accepted although there was no answer.

    Args:
        scheduler: the scheduler.
        directory: the job's directory, with ``submitted.sh`` in it.
        settings: settings of the job.
        intent: the record that :func:`record_intent` wrote, or that an earlier call left.
        new: whether the intent was written just now, so that there can be no job yet.
        array_size: number of members of an array; 0: a single job.
        at_once: members that run at the same time at most.
        wait_at_limit: whether a limit of submitted jobs is waited for, too; otherwise it is
            raised.

    Raises:
        SubmissionRefused: the job is refused for good, or for longer than ``submit_timeout``.
        BatchJobError: the task was cancelled.
    """
    if intent.job is not None:
        return intent
    notices = Notices(intent.task, directory.path)
    task, started_at = intent.task, time.monotonic()
    timeout = walltime_seconds(settings.submit_timeout) or 0.0
    sure = new
    pause, unclear = FIRST_RETRY_SECONDS, 0
    try:
        while True:
            raise_if_cancelled(task)
            if not sure and (found := _find_until_certain(scheduler, intent.tag, task)) is not None:
                return _record_submitted(scheduler, directory, intent, found)
            try:
                job = _submit(scheduler, directory, settings, intent.tag, array_size, at_once)
                return _record_submitted(scheduler, directory, intent, job)
            except SubmissionRefused as refused:
                error = refused
            if error.refusal is Refusal.PERMANENT:
                raise error
            if error.refusal is Refusal.LIMIT and not wait_at_limit:
                raise error
            unclear += error.refusal is Refusal.UNRECOGNIZED
            if unclear > _UNRECOGNIZED_RETRIES or time.monotonic() - started_at + pause > timeout:
                raise error
            sure = error.refusal is not Refusal.UNANSWERED
            directory.append_state("NOT_SUBMITTED", str(error))
            if sure or time.monotonic() - started_at > pause:
                notices.publish(f"{error}; submitted again in {pause / 60:.0f} min", pause)
                _sleep(pause, task)
                pause = min(2 * pause, _MAX_RETRY_SECONDS)
            else:
                notices.publish(f"{error}; the job is looked for before it is submitted again")
    finally:
        notices.clear()


def find_job(scheduler: Scheduler, tag: str) -> tuple[JobId | None, bool]:
    """Look a submission up in the queue.

    Returns:
        The job, None where none is seen; and whether the answer was complete.

    Raises:
        SchedulerError: no answer.
    """
    queue = scheduler.queue(known_clusters(scheduler))
    ours = [job for job in queue.jobs if job.tag.strip() == tag]
    if ours:
        return JobId(ours[-1].number, ours[-1].cluster), True
    return None, queue.complete


def _submit(
    scheduler: Scheduler,
    directory: JobDirectory,
    settings: JobSettings,
    tag: str,
    array_size: int,
    at_once: int,
) -> JobId:
    environment = job_environment(scheduler, settings)
    request = SubmissionRequest(
        directory.path / "submitted.sh",
        tag,
        directory.path / "scheduler.log",
        environment,
        settings,
        array_size,
        at_once,
    )
    directory.write("command", shlex.join(scheduler.submit_command(request)) + "\n")
    directory.write_json("environment.json", without_secrets(environment))
    return scheduler.submit(request)


def _record_submitted(
    scheduler: Scheduler, directory: JobDirectory, intent: SubmissionRecord, job: JobId
) -> SubmissionRecord:
    remember_submission(scheduler, job.cluster)
    done = replace(intent, job=job)
    # Where it cannot be written, the job is found by its tag.
    directory.try_write_json("submission.json", done.to_dict())
    return done


def _find_until_certain(scheduler: Scheduler, tag: str, task: str) -> JobId | None:
    """Look for a job until it is seen, or sure not to be there."""
    answers = 0
    pauses = [*LOOKUP_PAUSES]
    while True:
        try:
            found, complete = find_job(scheduler, tag)
        except SchedulerError:
            found, complete = None, False
        if found is not None:
            return found
        answers += complete
        if not pauses and answers >= _COMPLETE_ANSWERS:
            return None
        # Without an answer nothing is known, and nothing is submitted.
        _sleep(pauses.pop(0) if pauses else FIRST_RETRY_SECONDS, task)
