"""The record of a job's attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from ..batch.directory import JobDirectory
from ..batch.outcome import JobOutcome

RECORD: Final = "attempts.json"
"""File of the first attempt's directory with all attempts."""


@dataclass(frozen=True)
class NextAttempt:
    """Decision after a failure.

    Attributes:
        repeat: whether the job is run again.
        change: what is changed, or why it is not run again, in a few words.
        excluded: nodes that are left out.
        walltime: the new time limit; empty: as before.
        memory: the new memory; empty: as before.
    """

    repeat: bool
    change: str
    excluded: tuple[str, ...] = ()
    walltime: str = ""
    memory: str = ""


@dataclass(frozen=True)
class Attempt:
    """A job that was run for a piece of work.

    Attributes:
        number: 1, 2, ...
        directory: its directory's name.
        job_id: the job; empty where it ran inside another one.
        status: its outcome, as :class:`~..scheduler.CompletionStatus` has it.
        state: the scheduler's last state.
        exit_code: its script's; None where it left none.
        nodes: where it ran.
        cause: why it failed; empty where it did not.
        words: the line that says so.
        seconds: how long it took, from its start on the node where that is known.
        next: what was changed for the next attempt, or why there is none; empty where it succeeded.
        repeated: whether there is a next one.
        excluded: nodes that were left out from then on.
        walltime: time limit of the next one.
        memory: memory of the next one.
        core_hours: what it used; None where that is not known.
    """

    number: int
    directory: str
    job_id: str = ""
    status: str = ""
    state: str = ""
    exit_code: int | None = None
    nodes: str = ""
    cause: str = ""
    words: str = ""
    seconds: float | None = None
    next: str = ""
    repeated: bool = False
    excluded: tuple[str, ...] = ()
    walltime: str = ""
    memory: str = ""
    core_hours: float | None = None

    @classmethod
    def of(cls, number: int, directory: str, outcome: JobOutcome, seconds: float | None) -> Attempt:
        """Return the attempt that a job was."""
        return cls(
            number,
            directory,
            outcome.job_id,
            outcome.status.value,
            outcome.state,
            outcome.exit_code,
            outcome.nodes,
            seconds=seconds,
            core_hours=outcome.core_hours,
        )

    def followed_by(self, decided: NextAttempt) -> Attempt:
        """Return the attempt with what was decided after it."""
        return replace(
            self,
            next=decided.change,
            repeated=decided.repeat,
            excluded=decided.excluded,
            walltime=decided.walltime,
            memory=decided.memory,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON, without what is empty."""
        return {name: value for name, value in asdict(self).items() if value not in ("", (), None)}

    def summary(self) -> dict[str, Any]:
        """Return what the result of a function says of it."""
        names = ("job_id", "nodes", "cause", "seconds")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        """Return the cause and the job."""
        job = f"job {self.job_id}" if self.job_id else self.directory
        return f"{self.cause} ({job}{f' on {self.nodes}' if self.nodes else ''})"


def total_core_hours(attempts: Sequence[Attempt]) -> float | None:
    """Return the core hours of all attempts that tell theirs; None where none does."""
    known = [each.core_hours for each in attempts if each.core_hours is not None]
    return round(sum(known), 6) if known else None


def read_attempts(directory: JobDirectory, task: str) -> list[Attempt]:
    """Return the attempts of a task that were followed by another one."""
    known = directory.read_json(RECORD)
    listed = known.get("attempts") if known.get("task") == task else None
    found = []
    for each in listed if isinstance(listed, list) else []:
        try:
            attempt = Attempt(**{**each, "excluded": tuple(each.get("excluded", ()))})
        except (AttributeError, TypeError):
            break  # of another version
        if not attempt.repeated:
            break
        found.append(attempt)
    return found


def number_of_other_tasks_attempts(directory: JobDirectory, task: str) -> int:
    """Return how many attempts another task may have begun, which has the record; else 0."""
    known = directory.read_json(RECORD)
    listed = known.get("attempts")
    if known.get("task") == task or not isinstance(listed, list):
        return 0
    return len(listed) + 1  # the one that was under way is not listed yet


def write_attempts(directory: JobDirectory, task: str, attempts: Sequence[Attempt]) -> None:
    """Write the attempts of a task down.

    Raises:
        BatchJobError: they cannot be written.
    """
    listed = [attempt.to_dict() for attempt in attempts]
    directory.write_json(RECORD, {"task": task, "attempts": listed})
