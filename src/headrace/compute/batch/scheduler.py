"""Slurm's commands, and what they answer."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import SchedulerError

_TIMEOUT = 60.0
_SEPARATOR = "\x1f"
_FORMAT = _SEPARATOR.join(("%i", "%T", "%r", "%N", "%k"))

# States after which a job does not come back by itself.
ENDS = frozenset(
    {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED"}
    | {"NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"}
)
# States in which Slurm may run the job again, where the job allows it.
COMES_BACK = frozenset(["NODE_FAIL", "PREEMPTED", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED"])


@dataclass(frozen=True)
class QueuedJob:
    """A job as the queue shows it.

    Attributes:
        job_id: its id; of an array's member ``ID_NUMBER``.
        state: such as ``PENDING``.
        reason: why it waits, or why it ended.
        nodes: where it runs.
        comment: what its submitter wrote.
    """

    job_id: str
    state: str
    reason: str = ""
    nodes: str = ""
    comment: str = ""


def available() -> bool:
    """Says whether jobs can be submitted on this machine."""
    return all(shutil.which(name) for name in ("sbatch", "squeue", "scontrol", "scancel"))


def in_allocation() -> bool:
    """Says whether this process is inside a job of Slurm's."""
    return bool(os.environ.get("SLURM_JOB_ID"))


def submit(script: str, options: Sequence[str], environment: Mapping[str, str]) -> str:
    """Submits a script and returns the job's id.

    Raises:
        SchedulerError: it is refused.
        TimeoutError: Slurm did not answer in time; the job may be there all the same.
    """
    command = ["sbatch", "--parsable", *options, script]
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"sbatch did not answer within {_TIMEOUT:.0f} s") from error
    except OSError as error:
        raise SchedulerError(f"sbatch: {error.strerror}") from error
    told = " ".join(done.stderr.split())
    if done.returncode != 0:
        if any(word in told.lower() for word in ("timed out", "unable to contact", "socket")):
            raise TimeoutError(f"sbatch: {told}")
        raise SchedulerError(f"sbatch refuses: {told.removeprefix('sbatch: error: ')}")
    # "id;cluster" where there are several clusters.
    return done.stdout.strip().partition(";")[0]


def queue() -> list[QueuedJob]:
    """Returns this user's jobs, those too that ended a short while ago: one question for all.

    Raises:
        SchedulerError: Slurm does not answer.
    """
    text = _ask("squeue", "--noheader", "--me", "--states=all", "--array", f"--format={_FORMAT}")
    jobs = []
    for line in text.splitlines():
        fields = line.strip().split(_SEPARATOR)
        if len(fields) == 5:
            jobs.append(QueuedJob(*(field if field != "(null)" else "" for field in fields)))
    return jobs


def show(job_id: str) -> dict[str, str]:
    """Returns the fields of ``scontrol show job``; empty where Slurm has forgotten the job.

    Raises:
        SchedulerError: Slurm does not answer.
    """
    try:
        text = _ask("scontrol", "--oneliner", "show", "job", job_id)
    except SchedulerError as error:
        if "Invalid job id" in str(error):
            return {}
        raise
    last = text.strip().splitlines()[-1] if text.strip() else ""
    return dict(part.split("=", 1) for part in last.split() if "=" in part)


def accounted_state(job_id: str) -> str:
    """Returns the state that accounting has of a job; empty where there is no accounting."""
    try:
        text = _ask("sacct", "-nXP", "-j", job_id, "--format=State")
    except SchedulerError:
        return ""
    words = text.split()
    return words[0] if words else ""


def cancel(job_ids: Sequence[str]) -> None:
    """Cancels jobs; those that have ended are left alone.

    Raises:
        SchedulerError: Slurm does not answer.
    """
    if job_ids:
        _ask("scancel", "--quiet", *job_ids)


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SchedulerError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise SchedulerError(f"{command[0]}: {' '.join(done.stderr.split()) or done.returncode}")
    return done.stdout
