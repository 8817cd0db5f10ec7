"""Running a batch job from a function, and waiting for its end."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..scheduler import (
    SCHEDULER_OF_HOW,
    Ability,
    CompletionStatus,
    Scheduler,
    get_scheduler,
)
from .arrays import ArrayTask, run_members
from .directory import JobDirectory
from .errors import BatchJobError
from .in_allocation import run_in_allocation
from .outcome import JobOutcome, determine_outcome
from .previous_job import claim_directory
from .script import job_text
from .settings import JobSettings, read_settings, require_ability
from .submission import (
    SubmissionRecord,
    record_intent,
    submission_tag,
    submit_once,
    validate_task_id,
)
from .waiting import wait_for_job


def run_batch_job(
    script: str,
    workdir: str,
    *,
    job: str = "job",
    how: str = "auto",
    task_id: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Run a job script and return when its work is done and its outputs are there.

    Where ``HEADRACE_JOBS=submit`` is set, as the endpoint template ``slurm-login`` does, the
    script is submitted. Otherwise it runs here: inside a job, such as an endpoint's block, in
    that job's allocation. It starts MPI ranks with ``$HEADRACE_LAUNCH PROGRAM``, everywhere.

    Called again for the same task, such as after a crash, it finds the job that was submitted and
    waits for that one; a job that is done already is not done again. A job of another task that
    still runs in the directory is waited for first, or cancelled where that task was given up.

    The directives of the script (``#SBATCH``, ...) count where the call does not say otherwise.

    Args:
        script: the job script, absolute.
        workdir: where it runs, absolute; made where it is missing.
        job: name of the job's directory in ``workdir``.
        how: ``submit``, ``here``, ``sbatch``, ``hq``, ``flux``, or ``auto``, which asks
            ``HEADRACE_JOBS``. The last but one name the scheduler to submit to, too.
        task_id: id of the task; the Compute task's by default.
        **settings: attributes of :class:`~headrace.compute.batch.settings.JobSettings`.

    Returns:
        ``status``, ``description``, ``state``, ``exit_code``, ``job_id``, ``nodes``, ``restarts``,
        ``cores``, ``started_at``, ``ended_at`` and ``core_hours`` (null where they are not known),
        ``seconds`` and ``directory``, which has the job's complete record.

    Raises:
        BatchJobError: the job failed, in one line; its ``status`` and ``retryable`` say how.
        SchedulerError: a BatchJobError too: the scheduler refuses the job.
    """
    started_at = time.monotonic()
    call = JobCall.of(script, workdir, job=job, how=how, task_id=task_id, settings=settings)
    outcome = call.run()
    if not outcome.ok:
        raise BatchJobError.with_status(outcome.status, call.failure_message(outcome))
    seconds = round(time.monotonic() - started_at, 3)
    return {**outcome.to_dict(), "seconds": seconds, "directory": str(call.directory.path)}


def run_batch_array(
    script: str,
    workdir: str,
    members: Sequence[Sequence[str]],
    *,
    at_once: int = 20,
    retries: int = 0,
    job: str = "job",
    task_id: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Run one script many times as a job array.

    A member that has ended well is not run again, neither by a retry nor by a second call.

    Args:
        script: the job script, absolute.
        workdir: where the members run, absolute.
        members: the arguments of each member.
        at_once: members that run at the same time at most.
        retries: how often those that failed are submitted again.
        job: name of the array's directory in ``workdir``.
        task_id: id of the task; the Compute task's by default.
        **settings: attributes of :class:`~headrace.compute.batch.settings.JobSettings`, for each.

    Returns:
        ``members``, ``job_ids``, ``submissions`` and ``directory``.

    Raises:
        BatchJobError: members failed, in one line that names the first one; or the scheduler has
            no arrays.
    """
    task = validate_task_id(task_id or os.environ.get("GC_TASK_UUID") or uuid.uuid4().hex)
    array = array_task(script, workdir, at_once=at_once, job=job, task=task, settings=settings)
    return run_members(array, members, retries)


def array_task(
    script: str, workdir: str, *, at_once: int, job: str, task: str, settings: Mapping[str, Any]
) -> ArrayTask:
    """Check the arguments of a call that runs an array.

    Raises:
        BatchJobError: one cannot be used, or the scheduler has no arrays.
    """
    scheduler = get_scheduler(settings.get("scheduler", ""))
    require_ability(scheduler, Ability.ARRAYS, True, "an array of jobs")
    read, path = read_settings(scheduler, script, settings), _workdir(workdir)
    directory = JobDirectory(path / _checked_name(job))
    _require_commands(scheduler)
    copy = directory.path / read.script.name
    return ArrayTask(scheduler, directory, read, path, copy, task, at_once)


@dataclass(frozen=True)
class JobCall:
    """A call for a job, checked.

    Attributes:
        scheduler: the scheduler.
        settings: settings of the job.
        directory: the job's directory.
        workdir: where it runs.
        task: the task.
        how: ``submit`` or ``here``.
    """

    scheduler: Scheduler
    settings: JobSettings
    directory: JobDirectory
    workdir: Path
    task: str
    how: str

    @classmethod
    def of(
        cls,
        script: str,
        workdir: str,
        *,
        job: str,
        how: str,
        task_id: str | None,
        settings: Mapping[str, Any],
    ) -> JobCall:
        """Check the arguments of :func:`run_batch_job`.

        Raises:
            BatchJobError: one cannot be used.
        """
        how, settings = choose_scheduler(how, settings)
        scheduler = get_scheduler(settings.get("scheduler", ""))
        read, path = read_settings(scheduler, script, settings), _workdir(workdir)
        directory = JobDirectory(path / _checked_name(job))
        task = validate_task_id(task_id or os.environ.get("GC_TASK_UUID") or uuid.uuid4().hex)
        return cls(scheduler, read, directory, path, task, how)

    def run(self) -> JobOutcome:
        """Run the job, unless it has succeeded for this task, and record its outcome.

        Raises:
            BatchJobError: the task was cancelled, or the job cannot be submitted.
        """
        known = self.directory.read_json("outcome.json")
        previous = JobOutcome.from_dict(known) if known.get("task") == self.task else None
        if previous is not None and previous.ok:
            return previous
        outcome = self._run()
        submission = SubmissionRecord.read(self.directory)
        job = submission.job if submission is not None else None
        settled = job.number if job is not None else ""
        document = {**outcome.to_dict(), "task": self.task, "settled": settled}
        self.directory.try_write_json("outcome.json", document)
        return outcome

    def failure_message(self, outcome: JobOutcome) -> str:
        """Return what is said of a job that did not succeed, in one line."""
        where = f"job {outcome.job_id}" if outcome.job_id else "the job"
        text = f"{self.settings.script.name}: {where}: {outcome.description}"
        if outcome.status in _SHOWS_LAST_LINE:
            text += f": {self.directory.last_error_line(self.scheduler.message_prefixes)}"
        return f"{text}; all of it is in {self.directory.path}"

    def _run(self) -> JobOutcome:
        scheduler, settings = self.scheduler, self.settings
        directory, task = self.directory, self.task
        copy = directory.path / settings.script.name

        def prepare() -> None:
            directory.clear()
            try:
                shutil.copyfile(settings.script, copy)
            except OSError as error:
                raise BatchJobError(f"{error.filename or copy}: {error.strerror}") from error

        if self.how == "here":
            claim_directory(scheduler, directory, "", task, prepare)
            return run_in_allocation(scheduler, directory, settings, self.workdir, task)
        _require_commands(scheduler)
        tag = submission_tag(task, directory.path, 0)
        text = job_text(scheduler, settings, directory.path, self.workdir, copy, tag)

        def prepare_submission() -> None:
            prepare()
            directory.write("submitted.sh", text)
            record_intent(scheduler, directory, settings, tag)

        fresh = claim_directory(scheduler, directory, tag, task, prepare_submission)
        intent = SubmissionRecord.read(directory)
        if intent is None or intent.tag != tag:
            raise BatchJobError(f"{directory.path}: another task has taken the directory")
        scheduler = intent.submitted_to(scheduler)
        submission = submit_once(scheduler, directory, settings, intent, new=fresh)
        end = wait_for_job(scheduler, directory, submission, task=task, requeue=settings.requeue)
        return determine_outcome(directory, settings, self.workdir, end)


def choose_scheduler(how: str, settings: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return whether a job is submitted or runs here, and its settings with its scheduler.

    Args:
        how: as in :func:`run_batch_job`.
        settings: the settings of the call.

    Raises:
        BatchJobError: there is no such way, or the settings name another scheduler.
    """
    if how == "auto":
        how = os.environ.get("HEADRACE_JOBS", "here")
    if how in ("submit", "here"):
        return how, settings
    if how not in SCHEDULER_OF_HOW:
        known = ", ".join(SCHEDULER_OF_HOW)
        raise BatchJobError(
            f"how, or HEADRACE_JOBS, {how!r}: must be auto, submit, here or one of {known}"
        )
    wanted, named = SCHEDULER_OF_HOW[how], settings.get("scheduler")
    if named not in (None, "", wanted):
        raise BatchJobError(f"how, or HEADRACE_JOBS, {how!r}: not with scheduler {named!r}")
    return "submit", {**settings, "scheduler": wanted}


def _require_commands(scheduler: Scheduler) -> None:
    if missing := scheduler.missing_commands():
        raise BatchJobError(f"{', '.join(missing)}: must be on PATH to submit a job")


def _workdir(workdir: str) -> Path:
    path = Path(workdir)
    if not path.is_absolute() or ".." in path.parts or "\0" in workdir:
        raise BatchJobError(f"workdir must be an absolute path without '..', not {workdir!r}")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BatchJobError(f"{path}: cannot be made: {error.strerror}") from error
    return path


def _checked_name(name: str) -> str:
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise BatchJobError(f"job {name!r}: must be a plain name")
    return name


_SHOWS_LAST_LINE = frozenset(
    {
        CompletionStatus.FAILED,
        CompletionStatus.TIME_LIMIT,
        CompletionStatus.OUT_OF_MEMORY,
        CompletionStatus.NODE_FAILURE,
    }
)
