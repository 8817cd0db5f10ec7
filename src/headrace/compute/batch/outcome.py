"""Outcome of a job."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ..scheduler import CompletionStatus, JobState
from .directory import JobDirectory
from .settings import JobSettings
from .usage import read_usage
from .waiting import JobEnd

# A file system that many machines share may show an output here so much later than the job ended.
OUTPUT_SECONDS: Final = 45.0
_MAX_NAMES: Final = 5

_STATUS_OF_STATE: Final = {
    JobState.TIMEOUT: CompletionStatus.TIME_LIMIT,
    JobState.DEADLINE: CompletionStatus.TIME_LIMIT,
    JobState.OUT_OF_MEMORY: CompletionStatus.OUT_OF_MEMORY,
    JobState.NODE_FAIL: CompletionStatus.NODE_FAILURE,
    JobState.BOOT_FAIL: CompletionStatus.NODE_FAILURE,
    JobState.PREEMPTED: CompletionStatus.CANCELLED,
    JobState.CANCELLED: CompletionStatus.CANCELLED,
}
_DESCRIPTIONS: Final = {
    CompletionStatus.FINISHED: "finished",
    CompletionStatus.FAILED: "failed with code {code}",
    CompletionStatus.TIME_LIMIT: "time limit",
    CompletionStatus.OUT_OF_MEMORY: "out of memory",
    CompletionStatus.NODE_FAILURE: "node failure",
    CompletionStatus.CANCELLED: "cancelled",
    CompletionStatus.NEVER_STARTED: "never started: {reason}",
    CompletionStatus.OUTPUTS_MISSING: "outputs missing: {missing}",
    CompletionStatus.LOST: "lost",
}


@dataclass(frozen=True)
class JobOutcome:
    """Outcome of a job.

    Attributes:
        status: the outcome.
        description: the same in words: ``finished``, ``failed with code N``, ``time limit``,
            ``out of memory``, ``node failure``, ``cancelled``, ``never started: REASON``,
            ``outputs missing: NAMES`` or ``lost``.
        state: the scheduler's last state; empty where it was not asked, or did not answer in time.
        exit_code: the script's; None where it left none.
        job_id: the job; empty where it ran inside another one.
        nodes: where it ran.
        restarts: how often the scheduler ran it again.
        cores: processors that were allocated to it; None where that is not known.
        started_at: when its script began, UTC; empty where that is not known.
        ended_at: when it ended, likewise; of one that was killed, when that was seen.
        core_hours: processors times hours of its last run; None where that is not known.
    """

    status: CompletionStatus
    description: str
    state: str = ""
    exit_code: int | None = None
    job_id: str = ""
    nodes: str = ""
    restarts: int = 0
    cores: int | None = None
    started_at: str = ""
    ended_at: str = ""
    core_hours: float | None = None

    @property
    def ok(self) -> bool:
        """True where the job did its work."""
        return self.status is CompletionStatus.FINISHED

    def to_dict(self) -> dict[str, object]:
        """Return the outcome as JSON."""
        return {**asdict(self), "status": self.status.value}

    @classmethod
    def from_dict(cls, document: dict[str, object]) -> JobOutcome | None:
        """Read an outcome; None where the document is none, or of another version."""
        fields = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        try:
            return cls(**{**fields, "status": CompletionStatus(str(fields["status"]))})  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError):
            return None


def determine_outcome(
    job: JobDirectory, settings: JobSettings, workdir: Path, end: JobEnd
) -> JobOutcome:
    """Return the outcome of a job, from the scheduler's record and the job's directory.

    Args:
        job: the job's directory.
        settings: settings of the job.
        workdir: where it ran.
        end: its end.
    """
    state = end.scheduler_record.state if end.scheduler_record is not None else None
    code = end.exit_record.code if end.exit_record is not None else None
    host = job.read_json("host.json")
    ours = str(host.get("job_id", "")) == end.job.number
    if code is None and ours and end.scheduler_record is not None:
        # Its own file may be missing (a full disk): the scheduler has the code of the script
        # around it.
        code = (
            end.scheduler_record.exit_code
            if state in (JobState.COMPLETED, JobState.FAILED)
            else None
        )
    missing: list[str] = []
    if code == 0:
        missing = missing_outputs(settings, workdir, OUTPUT_SECONDS)
    outcome = completion_status(
        state, code, started=ours or end.exit_record is not None, missing=missing
    )
    reason = end.scheduler_record.reason if end.scheduler_record is not None else ""
    if outcome is CompletionStatus.CANCELLED and not ours and reason not in ("", "None"):
        # The scheduler cancels what can never run, and says why.
        outcome = CompletionStatus.NEVER_STARTED
    words = description(outcome, state, code, reason, missing)
    restarts = end.exit_record.restarts if end.exit_record is not None else host.get("restarts", 0)
    left = end.exit_record
    ended_at = job.read_end_time(f"{left.job}.{left.restarts}") if left is not None else ""
    ended = outcome is not CompletionStatus.LOST
    usage = read_usage(settings, host if ours else {}, ended_at, ended=ended)
    return JobOutcome(
        outcome,
        words,
        state=state.value if state is not None else "",
        exit_code=code,
        job_id=str(end.job),
        nodes=str(host.get("nodes", "")) if ours else "",
        restarts=restarts if isinstance(restarts, int) else 0,
        **vars(usage),
    )


def description(
    outcome: CompletionStatus,
    state: JobState | None,
    code: int | None,
    reason: str = "",
    missing: Sequence[str] = (),
) -> str:
    """Return an outcome in words.

    Args:
        outcome: the outcome.
        state: the scheduler's last state; None where it does not know it.
        code: the script's exit code; None where it left none.
        reason: the scheduler's reason for the state.
        missing: outputs that are not there.
    """
    return _DESCRIPTIONS[outcome].format(
        code=code,
        reason=reason if reason not in ("", "None") else state or "",
        missing=", ".join(missing[:_MAX_NAMES]),
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


def completion_status(
    state: JobState | None, code: int | None, *, started: bool, missing: Sequence[str] = ()
) -> CompletionStatus:
    """Return the outcome of a job or of a member of an array.

    Args:
        state: the scheduler's last state; None where it does not know it.
        code: the script's exit code; None where it left none.
        started: whether its script has begun.
        missing: outputs that are not there.
    """
    if code == 0:
        return CompletionStatus.OUTPUTS_MISSING if missing else CompletionStatus.FINISHED
    if state in _STATUS_OF_STATE:
        return _STATUS_OF_STATE[state]
    if code is not None:
        return CompletionStatus.FAILED
    if state is not None and not started:
        return CompletionStatus.NEVER_STARTED
    return CompletionStatus.LOST
