"""Submitting once: the intent is written down first, and the job looked for before a second try."""

from __future__ import annotations

import hashlib
import re
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..scheduler import JobId, Refusal, Scheduler, SchedulerError, SubmissionRefused
from .cancelling import raise_if_cancelled
from .clusters import known_clusters, remember_cluster
from .directory import JobDirectory
from .errors import BatchJobError
from .notices import Notices
from .settings import JobSettings, job_environment, walltime_seconds, without_secrets

# After a question without an answer Slurm may still be taking the job in: it is looked for so long.
LOOKUP_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
# So many answers without the job say that it was not taken.
_COMPLETE_ANSWERS: Final = 2
# A job that is not taken at the moment is submitted again after so long, then twice as long ...
FIRST_RETRY_SECONDS: Final = 60.0
_MAX_RETRY_SECONDS: Final = 3600.0
# How often a refusal is tried again that cannot be read.
_UNRECOGNIZED_RETRIES: Final = 5
_CANCELLATION_CHECK_SECONDS: Final = 1.0
_TASK: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def submission_tag(task_id: str, directory: Path, number: int) -> str:
    """Return what a job's comment says: the task, and which of its jobs it is."""
    path = str(directory).encode(errors="surrogateescape")
    place = hashlib.sha256(path + f"\n{number}".encode()).hexdigest()[:12]
    return f"headrace:{task_id}:{place}"


def validate_task_id(task_id: str) -> str:
    """Return a task's id, which becomes part of a job's comment.

    Raises:
        BatchJobError: it cannot.
    """
    if _TASK.fullmatch(task_id) is None:
        raise BatchJobError(f"task_id {task_id!r}: letters, digits and ._- only, at most 100")
    return task_id


@dataclass(frozen=True)
class Submission:
    """What is known of a job's submission: ``submission.json``.

    Attributes:
        tag: name of the submission; a job that has it in its comment is this one.
        time: when the intent was written down, seconds since 1970.
        job: the job; None while it is not known whether there is one.
        name: the job's name.
        requeue: whether Slurm may run it again.
        settled: whether it is known that no such job runs, nor will.
    """

    tag: str
    time: float
    job: JobId | None = None
    name: str = ""
    requeue: bool = True
    settled: bool = False

    @property
    def task(self) -> str:
        """The task that it is for."""
        return self.tag.removeprefix("headrace:").rpartition(":")[0]

    @classmethod
    def read(cls, directory: JobDirectory) -> Submission | None:
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
        }


def record_intent(directory: JobDirectory, settings: JobSettings, tag: str) -> Submission:
    """Write down that a job will be submitted.

    Raises:
        BatchJobError: it cannot be written; nothing was submitted.
    """
    intent = Submission(tag, time.time(), name=settings.name, requeue=settings.requeue)
    directory.write_json("submission.json", intent.to_dict())
    return intent


def submit_once(
    scheduler: Scheduler,
    directory: JobDirectory,
    settings: JobSettings,
    intent: Submission,
    *,
    new: bool,
    options: Sequence[str] = (),
    wait_at_limit: bool = True,
) -> Submission:
    """Submit ``submitted.sh``, unless that was done already.

    What the cluster does not take at the moment is submitted again after 1, 2, 4 ... minutes, as
    long as the task is wanted and the settings' patience lasts. Before each time the job is looked
    for: it may have been taken although nobody said so.

    Args:
        scheduler: where to.
        directory: the job's directory, with ``submitted.sh`` in it.
        settings: what the job asks for.
        intent: what :func:`intend` wrote, or what an earlier call left.
        new: whether the intent was written just now, so that there can be no job yet.
        options: further options of sbatch.
        wait_at_limit: whether a limit of submitted jobs is waited for, too; otherwise it is
            raised.

    Raises:
        SubmissionRefused: the job is refused for good, or for longer than the patience.
        BatchJobError: the task was cancelled.
    """
    if intent.job is not None:
        return intent
    notices = Notices(intent.task, directory.path)
    task, begun = intent.task, time.monotonic()
    patience = walltime_seconds(settings.patience) or 0.0
    sure = new
    pause, unclear = FIRST_RETRY_SECONDS, 0
    try:
        while True:
            raise_if_cancelled(task)
            if not sure and (found := _find_until_certain(scheduler, intent.tag, task)) is not None:
                return _record_submitted(directory, intent, found)
            try:
                job = _submit(scheduler, directory, settings, intent.tag, options)
                return _record_submitted(directory, intent, job)
            except SubmissionRefused as refused:
                error = refused
            if error.refusal is Refusal.PERMANENT:
                raise error
            if error.refusal is Refusal.LIMIT and not wait_at_limit:
                raise error
            unclear += error.refusal is Refusal.UNRECOGNIZED
            if unclear > _UNRECOGNIZED_RETRIES or time.monotonic() - begun + pause > patience:
                raise error
            sure = error.refusal is not Refusal.UNANSWERED
            directory.append_state("NOT_SUBMITTED", str(error))
            if sure or time.monotonic() - begun > pause:
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
        The job, None where none is seen; and whether the answer was whole.

    Raises:
        SchedulerError: no answer.
    """
    queue = scheduler.queue(known_clusters())
    ours = [job for job in queue.jobs if job.comment.strip() == tag]
    if ours:
        return JobId(ours[-1].number, ours[-1].cluster), True
    return None, queue.complete


def _submit(
    scheduler: Scheduler,
    directory: JobDirectory,
    settings: JobSettings,
    tag: str,
    options: Sequence[str],
) -> JobId:
    environment = job_environment(settings)
    log = directory.path / "slurm.log"
    # A pattern to sbatch, in which only percent signs could be written otherwise.
    shown = "/dev/null" if set("%\\") & set(str(log)) else str(log)
    words = [f"--comment={tag}", f"--output={shown}", "--open-mode=append", *options]
    script = str(directory.path / "submitted.sh")
    directory.write("command", shlex.join(["sbatch", "--parsable", *words, script]) + "\n")
    directory.write_json("environment.json", without_secrets(environment))
    return scheduler.submit(script, words, environment)


def _record_submitted(directory: JobDirectory, intent: Submission, job: JobId) -> Submission:
    remember_cluster(job.cluster)
    done = replace(intent, job=job)
    # Where it cannot be written, the job is found by its tag.
    directory.try_write_json("submission.json", done.to_dict())
    return done


def _find_until_certain(scheduler: Scheduler, tag: str, task: str) -> JobId | None:
    """Look for a job until it is seen, or sure not to be there."""
    answers, looks = 0, 0
    pauses = [*LOOKUP_PAUSES]
    while True:
        try:
            found, whole = find_job(scheduler, tag)
        except SchedulerError:
            found, whole = None, False
        if found is not None:
            return found
        answers, looks = answers + whole, looks + 1
        if not pauses and answers >= _COMPLETE_ANSWERS:
            return None
        # Without an answer nothing is known, and nothing is submitted.
        _sleep(pauses.pop(0) if pauses else FIRST_RETRY_SECONDS, task)


def _sleep(seconds: float, task: str) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _CANCELLATION_CHECK_SECONDS))
        raise_if_cancelled(task)
