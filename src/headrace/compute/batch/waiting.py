"""Waiting for a job: the file that it leaves first, Slurm seldom."""

from __future__ import annotations

import time
from typing import Final

from . import scheduler
from .directory import JobDirectory
from .errors import SchedulerError
from .queries import OLDEST, Queries

_LOOK_SECONDS: Final = 0.5
_FIRST_QUESTION: Final = 2.0
# A job that Slurm has forgotten, without having left an exit code, is given up after so long.
_FORGOTTEN_SECONDS: Final = 30.0
# The file system of a compute node may show a file here later than Slurm tells the end.
_FILE_SECONDS: Final = 15.0


def wait_for_job(job: JobDirectory, job_id: str, comes_back: bool) -> tuple[str, str]:
    """Waits until a job has ended, and returns Slurm's last state and reason.

    The job's exit code is looked for twice a second. Slurm is asked at growing intervals, for the
    jobs that end without leaving one.

    Args:
        job: the job's directory.
        job_id: the job.
        comes_back: whether Slurm may run it again after its node was lost.
    """
    queries = Queries()
    interval, asked_at = _FIRST_QUESTION, time.time()
    gone_since: float | None = None
    while True:
        if job.exit_code() is not None:
            return _noted_end(job, job_id)
        time.sleep(_LOOK_SECONDS)
        if time.time() - asked_at < interval:
            continue
        try:
            answer = queries.jobs(newer_than=asked_at)
        except SchedulerError:
            # Slurm comes back; the job goes on meanwhile.
            asked_at = time.time()
            continue
        if answer is None:
            continue
        asked_at, jobs = answer
        interval = min(interval * 2, OLDEST)
        found = next((queued for queued in jobs if queued.job_id == job_id), None)
        if found is not None:
            gone_since = None
            job.note_state(found.state, found.reason, found.nodes)
            if _is_end(found.state, comes_back):
                _wait_for_file(job)
                return found.state, found.reason
            continue
        gone_since = gone_since or time.monotonic()
        if time.monotonic() - gone_since > _FORGOTTEN_SECONDS:
            return _noted_end(job, job_id)


def _is_end(state: str, comes_back: bool) -> bool:
    if comes_back and state in scheduler.COMES_BACK:
        return False
    return state in scheduler.ENDS or state == "PREEMPTED"


def _wait_for_file(job: JobDirectory) -> None:
    # What was killed leaves nothing; what ended well leaves its code before it ends.
    limit = time.monotonic() + _FILE_SECONDS
    state = (job.text("states.jsonl") or "").rpartition("\n")[0].rpartition("\n")[2]
    while '"COMPLETED"' in state and job.exit_code() is None and time.monotonic() < limit:
        time.sleep(_LOOK_SECONDS)


def _noted_end(job: JobDirectory, job_id: str) -> tuple[str, str]:
    """Asks for a job that has left the queue, and notes what is said of it."""
    state, reason = _state_at_end(job_id)
    if state:
        job.note_state(state, reason)
    return state, reason


def _state_at_end(job_id: str) -> tuple[str, str]:
    try:
        fields = scheduler.show(job_id)
    except SchedulerError:
        return "", ""
    if fields:
        state = fields.get("JobState", "")
        return ("" if state in ("RUNNING", "COMPLETING") else state), fields.get("Reason", "")
    return scheduler.accounted_state(job_id), ""
