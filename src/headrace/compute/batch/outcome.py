"""How a job ended."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ..scheduler import JobOutcome, JobState
from .directory import JobDirectory
from .settings import JobSettings
from .waiting import JobEnd

# A file system that many machines share may show an output here so much later than the job ended.
OUTPUT_SECONDS: Final = 45.0
_SHOWN: Final = 5

_OF_STATE: Final = {
    JobState.TIMEOUT: JobOutcome.TIME_LIMIT,
    JobState.DEADLINE: JobOutcome.TIME_LIMIT,
    JobState.OUT_OF_MEMORY: JobOutcome.OUT_OF_MEMORY,
    JobState.NODE_FAIL: JobOutcome.NODE_FAILURE,
    JobState.BOOT_FAIL: JobOutcome.NODE_FAILURE,
    JobState.PREEMPTED: JobOutcome.CANCELLED,
    JobState.CANCELLED: JobOutcome.CANCELLED,
}
_WORDS: Final = {
    JobOutcome.FINISHED: "finished",
    JobOutcome.FAILED: "failed with code {code}",
    JobOutcome.TIME_LIMIT: "time limit",
    JobOutcome.OUT_OF_MEMORY: "out of memory",
    JobOutcome.NODE_FAILURE: "node failure",
    JobOutcome.CANCELLED: "cancelled",
    JobOutcome.NEVER_STARTED: "never started: {reason}",
    JobOutcome.OUTPUTS_MISSING: "outputs missing: {missing}",
    JobOutcome.LOST: "lost",
}


@dataclass(frozen=True)
class Ending:
    """How a job ended.

    Attributes:
        outcome: which of the ways a job may end in.
        ended: the same in words: ``finished``, ``failed with code N``, ``time limit``, ``out of
            memory``, ``node failure``, ``cancelled``, ``never started: REASON``, ``outputs
            missing: NAMES`` or ``lost``.
        state: Slurm's last state; empty where Slurm was not asked, or did not answer in time.
        exit_code: the script's; None where it left none.
        job_id: the job; empty where it ran inside another one.
        nodes: where it ran.
        restarts: how often Slurm ran it again.
    """

    outcome: JobOutcome
    ended: str
    state: str = ""
    exit_code: int | None = None
    job_id: str = ""
    nodes: str = ""
    restarts: int = 0

    @property
    def ok(self) -> bool:
        """Whether the job did its work."""
        return self.outcome is JobOutcome.FINISHED

    def document(self) -> dict[str, object]:
        """Return the ending as JSON."""
        return {**asdict(self), "outcome": self.outcome.value}

    @classmethod
    def of_document(cls, known: dict[str, object]) -> Ending | None:
        """Read an ending; None where the document is none, or of another version."""
        fields = {name: known[name] for name in cls.__dataclass_fields__ if name in known}
        try:
            return cls(**{**fields, "outcome": JobOutcome(fields["outcome"])})  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError):
            return None


def ending_of(job: JobDirectory, settings: JobSettings, workdir: Path, end: JobEnd) -> Ending:
    """Put together what Slurm says and what the job's directory says.

    Args:
        job: the job's directory.
        settings: what the job asked for.
        workdir: where it ran.
        end: its end.
    """
    state = end.record.state if end.record is not None else None
    code = end.note.code if end.note is not None else None
    place = job.json("place.json")
    ours = str(place.get("job_id", "")) == end.job.number
    if code is None and ours and end.record is not None:
        # Its own file may be missing (a full disk): Slurm has the code of the script around it.
        code = end.record.exit_code if state in (JobState.COMPLETED, JobState.FAILED) else None
    missing: list[str] = []
    if code == 0:
        missing = missing_outputs(settings, workdir, OUTPUT_SECONDS)
    outcome = _outcome(state, code, started=ours or end.note is not None, missing=missing)
    reason = end.record.reason if end.record is not None else ""
    if outcome is JobOutcome.CANCELLED and not ours and reason not in ("", "None"):
        # Slurm cancels what can never run, and says why.
        outcome = JobOutcome.NEVER_STARTED
    words = _WORDS[outcome].format(
        code=code,
        reason=reason if reason not in ("", "None") else state or "",
        missing=", ".join(missing[:_SHOWN]),
    )
    restarts = end.note.restarts if end.note is not None else place.get("restarts", 0)
    return Ending(
        outcome,
        words,
        state=state.value if state is not None else "",
        exit_code=code,
        job_id=str(end.job),
        nodes=str(place.get("nodes", "")) if ours else "",
        restarts=restarts if isinstance(restarts, int) else 0,
    )


def missing_outputs(settings: JobSettings, workdir: Path, seconds: float = 0.0) -> list[str]:
    """Return the declared outputs that are not there, or are empty.

    Args:
        settings: what the job declared.
        workdir: where it ran.
        seconds: how long they are looked for again, with their directories read anew.
    """
    end = time.monotonic() + seconds
    pause = 0.2
    while True:
        missing = [name for name in settings.outputs if not _is_there(workdir / name)]
        left = end - time.monotonic()
        if not missing or left <= 0:
            return missing
        time.sleep(min(pause, left))
        pause = min(2 * pause, 5.0)


def _is_there(path: Path) -> bool:
    try:
        # Read anew: a name that was not there once may be remembered as missing.
        os.listdir(path.parent)  # noqa: PTH208
        if path.is_dir():
            return any(path.iterdir())
        return path.is_file() and path.stat().st_size > 0
    except OSError:
        return False


def _outcome(
    state: JobState | None, code: int | None, *, started: bool, missing: list[str]
) -> JobOutcome:
    if code == 0:
        return JobOutcome.OUTPUTS_MISSING if missing else JobOutcome.FINISHED
    if state in _OF_STATE:
        return _OF_STATE[state]
    if code is not None:
        return JobOutcome.FAILED
    if state is not None and not started:
        return JobOutcome.NEVER_STARTED
    return JobOutcome.LOST
