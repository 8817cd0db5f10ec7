"""How a job ended, in words."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from . import scheduler
from .directory import JobDirectory
from .settings import JobSettings


@dataclass(frozen=True)
class Ending:
    """How a job ended.

    Attributes:
        ended: ``finished``, ``failed with code N``, ``time limit``, ``out of memory``, ``node
            failure``, ``cancelled``, ``never started: REASON``, ``outputs missing: NAMES`` or
            ``lost``.
        state: Slurm's last state; empty where Slurm was not asked.
        exit_code: the script's; None where it left none.
        job_id: the job; empty where it ran inside another one.
        nodes: where it ran.
        restarts: how often Slurm ran it again.
    """

    ended: str
    state: str = ""
    exit_code: int | None = None
    job_id: str = ""
    nodes: str = ""
    restarts: int = 0

    @property
    def ok(self) -> bool:
        """Whether the job did its work."""
        return self.ended == "finished"

    def document(self) -> dict[str, object]:
        """Returns the ending as JSON."""
        return asdict(self)


def ending_of(
    job: JobDirectory, settings: JobSettings, workdir: Path, state: str, reason: str, job_id: str
) -> Ending:
    """Puts together what Slurm says and what the job's directory says.

    Args:
        job: the job's directory.
        settings: what the job asked for.
        workdir: where it ran.
        state: Slurm's last state; empty where Slurm knows nothing.
        reason: Slurm's reason.
        job_id: the job.
    """
    code = job.exit_code()
    place = job.json("place.json")
    return Ending(
        ended=_words(job, settings, workdir, state, reason, code),
        state=state,
        exit_code=code,
        job_id=job_id,
        nodes=str(place.get("nodes", "")),
        restarts=int(place.get("restarts", 0) or 0),
    )


def missing_outputs(settings: JobSettings, workdir: Path) -> list[str]:
    """Returns the declared outputs that are not there, or are empty."""
    missing = []
    for name in settings.outputs:
        path = workdir / name
        there = path.is_dir() and any(os.scandir(path))
        if not there and not (path.is_file() and path.stat().st_size > 0):
            missing.append(name)
    return missing


def _words(
    job: JobDirectory,
    settings: JobSettings,
    workdir: Path,
    state: str,
    reason: str,
    code: int | None,
) -> str:
    if code == 0:
        missing = missing_outputs(settings, workdir)
        return f"outputs missing: {', '.join(missing[:5])}" if missing else "finished"
    told = {
        "TIMEOUT": "time limit",
        "DEADLINE": "time limit",
        "OUT_OF_MEMORY": "out of memory",
        "NODE_FAIL": "node failure",
        "BOOT_FAIL": "node failure",
        "PREEMPTED": "cancelled",
    }
    started = bool(job.json("place.json"))
    if state in told:
        return told[state]
    if state.startswith("CANCELLED"):
        # Slurm cancels what can never run, and says why.
        never = not started and reason not in ("", "None")
        return f"never started: {reason}" if never else "cancelled"
    if code is not None:
        return f"failed with code {code}"
    if not started and state in scheduler.ENDS:
        return f"never started: {reason or state}"
    return "lost"
