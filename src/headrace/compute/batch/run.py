"""Running a batch job from a function, and waiting for its end."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..scheduler import CompletionStatus, Scheduler, get_scheduler
from .arrays import run_members
from .directives import read_directives
from .directory import JobDirectory
from .errors import BatchJobError
from .in_allocation import run_in_allocation
from .outcome import JobOutcome, determine_outcome
from .previous_job import claim_directory
from .script import job_text
from .settings import JobSettings
from .submission import Submission, record_intent, submission_tag, submit_once, validate_task_id
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

    Where ``HEADRACE_JOBS=sbatch`` is set, as the endpoint template ``slurm-login`` does, the
    script is submitted. Otherwise it runs here: inside a job, such as an endpoint's block, in
    that job's allocation. It starts MPI ranks with ``$HEADRACE_LAUNCH PROGRAM``, everywhere.

    Called again for the same task, such as after a crash, it finds the job that was submitted and
    waits for that one; a job that is done already is not done again. A job of another task that
    still runs in the directory is waited for first, or cancelled where that task was given up.

    The ``#SBATCH`` lines of the script count where the call does not say otherwise.

    Args:
        script: the job script, absolute.
        workdir: where it runs, absolute; made where it is missing.
        job: name of the job's directory in ``workdir``.
        how: ``sbatch``, ``here``, or ``auto``, which asks ``HEADRACE_JOBS``.
        task_id: what is asked for; the Compute task by default.
        **settings: attributes of :class:`~headrace.compute.batch.settings.JobSettings`.

    Returns:
        ``outcome``, ``ended``, ``state``, ``exit_code``, ``job_id``, ``nodes``, ``restarts``,
        ``seconds`` and ``directory``, where the job's whole story is.

    Raises:
        BatchJobError: the job failed, in one line; its ``outcome`` and ``retryable`` say how.
        SchedulerError: a BatchJobError too: the scheduler refuses the job.
    """
    wanted, place = _settings(script, settings), _workdir(workdir)
    directory = JobDirectory(place / _checked_name(job))
    task = validate_task_id(task_id or os.environ.get("GC_TASK_UUID") or uuid.uuid4().hex)
    begun = time.monotonic()
    ending = _previous_success(directory, task)
    if ending is None:
        ending = _run(directory, wanted, place, task, how)
        known = Submission.read(directory)
        settled = known.job.number if known is not None and known.job is not None else ""
        story = {**ending.to_dict(), "task": task, "settled": settled}
        directory.try_write_json("outcome.json", story)
    if not ending.ok:
        raise BatchJobError.with_status(ending.status, _failure_message(wanted, directory, ending))
    seconds = round(time.monotonic() - begun, 3)
    return {**ending.to_dict(), "seconds": seconds, "directory": str(directory.path)}


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
        at_once: members that run at the same time at the most.
        retries: how often those that failed are submitted again.
        job: name of the array's directory in ``workdir``.
        task_id: what is asked for; the Compute task by default.
        **settings: attributes of :class:`~headrace.compute.batch.settings.JobSettings`, for each.

    Returns:
        ``members``, ``job_ids``, ``submissions`` and ``directory``.

    Raises:
        BatchJobError: members failed; names the first ones.
    """
    wanted, place = _settings(script, settings), _workdir(workdir)
    directory = JobDirectory(place / _checked_name(job))
    task = validate_task_id(task_id or os.environ.get("GC_TASK_UUID") or uuid.uuid4().hex)
    return run_members(_scheduler(), directory, wanted, place, members, task, at_once, retries)


def _settings(script: str, settings: Mapping[str, Any]) -> JobSettings:
    path = Path(script)
    try:
        if not path.is_absolute() or not path.is_file():
            return JobSettings(script=path, **settings)
        read = read_directives(path)
        options = [*read.options, *settings.get("options", ())]
        return JobSettings(script=path, **{**read.settings, **settings, "options": options})
    except TypeError as error:
        raise BatchJobError(f"{script}: {error}") from None


def _scheduler() -> Scheduler:
    scheduler = get_scheduler()
    if missing := scheduler.missing_commands():
        raise BatchJobError(f"{', '.join(missing)}: must be on PATH to submit a job")
    return scheduler


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


def _previous_success(directory: JobDirectory, task: str) -> JobOutcome | None:
    known = directory.read_json("outcome.json")
    ending = JobOutcome.from_dict(known) if known.get("task") == task else None
    return ending if ending is not None and ending.ok else None


def _run(
    directory: JobDirectory, settings: JobSettings, workdir: Path, task: str, how: str
) -> JobOutcome:
    if how not in ("auto", "sbatch", "here"):
        raise BatchJobError(f"how {how!r}: must be auto, sbatch or here")
    if how == "auto":
        how = os.environ.get("HEADRACE_JOBS", "here")
    copy = directory.path / settings.script.name

    def prepare() -> None:
        directory.clear()
        try:
            shutil.copyfile(settings.script, copy)
        except OSError as error:
            raise BatchJobError(f"{error.filename or copy}: {error.strerror}") from error

    if how == "here":
        claim_directory(get_scheduler(), directory, "", task, prepare)
        return run_in_allocation(directory, settings, workdir, task)
    scheduler = _scheduler()
    tag = submission_tag(task, directory.path, 0)
    text = job_text(settings, directory.path, workdir, copy, tag)

    def begin() -> None:
        prepare()
        directory.write("submitted.sh", text)
        record_intent(directory, settings, tag)

    fresh = claim_directory(scheduler, directory, tag, task, begin)
    intent = Submission.read(directory)
    if intent is None or intent.tag != tag:
        raise BatchJobError(f"{directory.path}: another task has taken the directory")
    submission = submit_once(scheduler, directory, settings, intent, new=fresh)
    end = wait_for_job(scheduler, directory, submission, task=task, requeue=settings.requeue)
    return determine_outcome(directory, settings, workdir, end)


def _failure_message(settings: JobSettings, directory: JobDirectory, ending: JobOutcome) -> str:
    where = f"job {ending.job_id}" if ending.job_id else "the job"
    told = f"{settings.script.name}: {where}: {ending.description}"
    if ending.status in _SHOWS_LAST_LINE:
        told += f": {directory.last_error_line()}"
    return f"{told}; all of it is in {directory.path}"


_SHOWS_LAST_LINE = frozenset(
    {
        CompletionStatus.FAILED,
        CompletionStatus.TIME_LIMIT,
        CompletionStatus.OUT_OF_MEMORY,
        CompletionStatus.NODE_FAILURE,
    }
)
