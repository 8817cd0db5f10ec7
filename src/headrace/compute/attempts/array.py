"""Running the members of an array, and those again that a node, time, memory or files failed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ..batch.arrays import ArrayTask, run_members_once
from ..batch.cancelling import sleep_unless_cancelled
from ..batch.directory import JobDirectory
from ..batch.notices import Notices
from ..batch.outcome import JobOutcome
from ..batch.run import array_task
from ..batch.submission import validate_task_id
from ..scheduler import Refusal, SubmissionRefused, memory_amount
from .decisions import changed_settings, decide_next, pause_seconds
from .failure_causes import classify_failure
from .record import RECORD, Attempt, total_core_hours
from .settings import AttemptSettings

_PRINTED_BYTES: Final = 64_000


@dataclass(frozen=True)
class MemberRun:
    """Outcome of a member of an array, with its attempts.

    Attributes:
        outcome: the outcome of its last attempt.
        attempts: all of them.
        stdout: file that its last attempt printed to.
        stderr: file with the standard error of that.
    """

    outcome: JobOutcome
    attempts: list[Attempt]
    stdout: Path
    stderr: Path


def run_repeated_array(
    script: str,
    workdir: str,
    members: Sequence[Sequence[str]],
    *,
    at_once: int = 20,
    job: str = "job",
    task_id: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Run one script many times as a job array; members that fail spoil no other ones.

    Those that their node, time, memory or files failed are run again, they alone, as
    :func:`~.run.run_repeated_job` does with a job: without the node, with more time or memory. The
    second attempt has the directory ``job-2``. Called again for the same task, it goes on.

    Args:
        script: the job script, absolute.
        workdir: where the members run, absolute.
        members: the arguments of each member.
        at_once: members that run at the same time at most.
        job: name of the array's directory in ``workdir``.
        task_id: id of the task; the Compute task's by default.
        **settings: attributes of :class:`~headrace.compute.batch.settings.JobSettings`, for each,
            and of :class:`~headrace.compute.attempts.settings.AttemptSettings`.

    Returns:
        ``members``: of each what ``run_repeated_job`` returns, with ``cause`` where it failed, and
        ``stdout`` and ``stderr``; ``failed``: the numbers of those that did not succeed; and the
        ``core_hours`` of all.

    Raises:
        BatchJobError: the task was cancelled, the scheduler has no arrays or refuses this one.
    """
    limits, others = AttemptSettings.split(settings)
    task = validate_task_id(task_id or os.environ.get("GC_TASK_UUID") or uuid.uuid4().hex)
    array = array_task(script, workdir, at_once=at_once, job=job, task=task, settings=others)
    runs = RepeatedArray(array, limits).run(members, range(len(members)))
    known = [each for one in runs.values() for each in one.attempts]
    return {
        "members": [
            {
                **one.outcome.to_dict(),
                "cause": one.attempts[-1].cause,
                "core_hours": total_core_hours(one.attempts),
                "failed_attempts": [attempt.summary() for attempt in one.attempts[:-1]],
                "stdout": str(one.stdout),
                "stderr": str(one.stderr),
            }
            for _, one in sorted(runs.items())
        ],
        "failed": sorted(number for number, one in runs.items() if not one.outcome.ok),
        "core_hours": total_core_hours(known),
        "directory": str(array.directory.path),
    }


class RepeatedArray:
    """An array with the attempts of its members.

    Args:
        array: the first attempt, whose directory has the record of all.
        limits: how often a member is run, and what a further attempt may ask for.
    """

    def __init__(self, array: ArrayTask, limits: AttemptSettings) -> None:
        self._array = array
        self._limits = limits

    def run(self, members: Sequence[Sequence[str]], wanted: Sequence[int]) -> dict[int, MemberRun]:
        """Run members until each has succeeded, failed for good, or had its attempts.

        Args:
            members: the arguments of each member.
            wanted: the numbers of those that are run.

        Returns:
            What became of those that are wanted, by number.

        Raises:
            BatchJobError: the task was cancelled, or the scheduler refuses the array.
        """
        attempts: dict[int, list[Attempt]] = {number: [] for number in wanted}
        found: dict[int, MemberRun] = {}
        # Called again for the same task, arrays that have ended are not run again: what was decided
        # after them is decided again.
        for number in range(1, self._limits.attempts + 1):
            array = self._next_array(attempts, number)
            for one, outcome in self._run_once(array, members, [*attempts], number).items():
                listed = attempts[one]
                listed.append(self._attempt(array, one, outcome, listed))
                if outcome.ok or not listed[-1].repeated:
                    names = (
                        array.directory.path / "members" / f"{one}.{e}" for e in ("out", "err")
                    )
                    found[one] = MemberRun(outcome, attempts.pop(one), *names)
            if not attempts:
                break
            self._write(attempts, found)
            self._pause(attempts, number)
        return found

    def _run_once(
        self,
        array: ArrayTask,
        members: Sequence[Sequence[str]],
        wanted: Sequence[int],
        number: int,
    ) -> dict[int, JobOutcome]:
        try:
            return run_members_once(array, members, wanted)
        except SubmissionRefused as refused:
            if refused.refusal is not Refusal.PERMANENT or number == 1:
                raise
            # What was changed is not to be had here: the same again.
            plain = replace(array, settings=self._array.settings)
            return run_members_once(plain, members, wanted)

    def _attempt(
        self, array: ArrayTask, number: int, outcome: JobOutcome, before: Sequence[Attempt]
    ) -> Attempt:
        attempt = Attempt.of(len(before) + 1, array.directory.path.name, outcome, None)
        if outcome.ok:
            return attempt
        names = (f"members/{number}.out", f"members/{number}.err")
        printed = "\n".join(array.directory.read_end(name, _PRINTED_BYTES) for name in names)
        failure = classify_failure(outcome, printed)
        attempt = replace(attempt, cause=failure.cause.value, words=failure.words)
        return attempt.followed_by(
            decide_next(
                array.scheduler,
                array.settings,
                self._limits,
                failure,
                [*before, attempt],
                submitted=True,
            )
        )

    def _next_array(self, attempts: Mapping[int, Sequence[Attempt]], number: int) -> ArrayTask:
        if number == 1:
            return self._array
        directory = JobDirectory(self._path(number))
        scheduler, settings = self._array.scheduler, self._array.settings
        # The members of one array ask for the same: the most that one of them needs.
        for listed in attempts.values():
            changed = changed_settings(scheduler, settings, listed)
            memories = (settings.memory, changed.memory)
            settings = replace(
                settings,
                walltime=max(settings, changed, key=lambda each: each.seconds).walltime,
                memory=max(memories, key=lambda text: memory_amount(text) or 0.0),
            )
        excluded = {
            node for listed in attempts.values() for each in listed for node in each.excluded
        }
        if excluded:
            options = scheduler.exclude_nodes(settings.options, sorted(excluded))
            settings = replace(settings, options=tuple(options))
        copy = directory.path / settings.script.name
        return replace(self._array, directory=directory, settings=settings, script=copy)

    def _path(self, number: int) -> Path:
        path = self._array.directory.path
        return path.with_name(f"{path.name}-{number}")

    def _write(
        self, attempts: Mapping[int, Sequence[Attempt]], found: Mapping[int, MemberRun]
    ) -> None:
        ended = {number: one.attempts for number, one in found.items() if len(one.attempts) > 1}
        listed = {
            str(number): [attempt.to_dict() for attempt in each]
            for number, each in sorted({**ended, **attempts}.items())
        }
        self._array.directory.write_json(RECORD, {"task": self._array.task, "members": listed})

    def _pause(self, attempts: Mapping[int, Sequence[Attempt]], number: int) -> None:
        if (self._path(number + 1) / "array.json").exists():
            return  # the next attempt of this task is under way
        seconds = pause_seconds(self._limits, number)
        notices = Notices(self._array.task, self._array.directory.path)
        first, *others = attempts.values()
        more = f" and {len(others)} more" if others else ""
        notices.publish(
            f"{first[-1]}{more}: attempt {number + 1} of {self._limits.attempts} follows", seconds
        )
        try:
            sleep_unless_cancelled(seconds, self._array.task)
        finally:
            notices.clear()
