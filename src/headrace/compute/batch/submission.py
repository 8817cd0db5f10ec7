"""Submitting once: the intent is written down first, and the job looked for before a second try."""

from __future__ import annotations

import hashlib
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from . import scheduler
from .cancelling import refuse_cancelled
from .directory import JobDirectory
from .errors import BatchJobError, SchedulerError
from .settings import JobSettings, job_environment, shown_environment

# After a time-out Slurm may still be taking the job in: it is looked for so long.
LOOKING = (1.0, 2.0, 4.0, 8.0, 15.0)


def tag_of(task_id: str, directory: Path, number: int) -> str:
    """Returns what a job's comment says: the task, and which of its jobs it is."""
    place = hashlib.sha256(f"{directory}\n{number}".encode()).hexdigest()[:12]
    return f"headrace:{task_id}:{place}"


def submit_once(
    job: JobDirectory,
    settings: JobSettings,
    tag: str,
    options: Sequence[str] = (),
    more: dict[str, str] | None = None,
) -> str:
    """Submits ``submitted.sh``, unless that was done already, and returns the job's id.

    Args:
        job: the job's directory, with ``submitted.sh`` in it.
        settings: what the job asks for.
        tag: name of this submission; a job that has it in its comment is ours.
        options: further options of sbatch.
        more: further variables for the job.

    Raises:
        BatchJobError: Slurm refuses, or does not answer, or the task was cancelled.
    """
    known = job.json("submission.json")
    if known.get("tag") == tag:
        found = known.get("job_id") or _find(tag, looking=LOOKING)
        if found:
            return _submitted(job, tag, found)
    refuse_cancelled(tag.split(":")[1])
    environment = {**job_environment(settings), **(more or {})}
    words = [
        f"--comment={tag}",
        f"--output={job.path / 'stdout'}",
        f"--error={job.path / 'stderr'}",
        "--open-mode=append",
        *options,
    ]
    script = str(job.path / "submitted.sh")
    job.keep("command", shlex.join(["sbatch", "--parsable", *words, script]) + "\n")
    job.keep_json("environment.json", shown_environment(environment))
    job.keep_json("submission.json", {"tag": tag, "time": time.time()})
    try:
        return _submitted(job, tag, scheduler.submit(script, words, environment))
    except TimeoutError as error:
        found = _find(tag, looking=LOOKING)
        if not found:
            raise BatchJobError(f"{error}; no job of this task is in the queue") from None
        return _submitted(job, tag, found)


def _submitted(job: JobDirectory, tag: str, job_id: str) -> str:
    job.keep_json("submission.json", {"tag": tag, "time": time.time(), "job_id": job_id})
    return job_id


def _find(tag: str, looking: Sequence[float]) -> str | None:
    # The budget of questions is for waiting; a job that is not found here is submitted twice.
    for pause in (*looking, 0.0):
        try:
            ours = [queued for queued in scheduler.queue() if queued.comment == tag]
        except SchedulerError:
            if pause == 0.0:
                raise
            ours = []
        if ours:
            return ours[-1].job_id.partition("_")[0]
        time.sleep(pause)
    return None
