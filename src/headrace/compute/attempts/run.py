"""Running a job, and again where its node, its time, its memory or its files failed it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ..batch.cancelling import sleep_unless_cancelled
from ..batch.directory import OWNER, JobDirectory
from ..batch.notices import Notices
from ..batch.outcome import JobOutcome
from ..batch.previous_job import settle_other_tasks_job
from ..batch.run import JobCall
from ..batch.submission import SubmissionRecord
from ..scheduler import (
    BatchJobError,
    CompletionStatus,
    JobId,
    Refusal,
    SchedulerError,
    SubmissionRefused,
)
from .decisions import changed_settings, decide_next, pause_seconds
from .failure_causes import classify_failure
from .record import (
    Attempt,
    number_of_other_tasks_attempts,
    read_attempts,
    total_core_hours,
    write_attempts,
)
from .settings import AttemptSettings

_PRINTED_BYTES: Final = 64_000


def run_repeated_job(
    script: str,
    workdir: str,
    *,
    job: str = "job",
    how: str = "auto",
    task_id: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Run a job script, again where its node, its time, its memory or its files failed it.

    As :func:`~headrace.compute.batch.run_batch_job`, whose arguments it has. The second attempt has
    the directory ``job-2``. An error of the program is not repeated. Called again for the same
    task, it goes on with the attempt that was under way.

    Args:
        script: the job script, absolute.
        workdir: where it runs, absolute; made where it is missing.
        job: name of the directory of the first attempt in ``workdir``.
        how: as in :func:`~headrace.compute.batch.run_batch_job`.
        task_id: id of the task; the Compute task's by default.
        **settings: attributes of :class:`~headrace.compute.batch.settings.JobSettings` and of
            :class:`~headrace.compute.attempts.settings.AttemptSettings`.

    Returns:
        What ``run_batch_job`` returns, of the last attempt, and ``failed_attempts``: ``job_id``,
        ``nodes``, ``cause`` and ``seconds`` of each job that was repeated. ``core_hours`` is the
        sum over all attempts.

    Raises:
        BatchJobError: the job failed for good, in one line that names its attempts.
        SchedulerError: a BatchJobError too: the scheduler refuses the job.
    """
    limits, others = AttemptSettings.split(settings)
    call = JobCall.of(script, workdir, job=job, how=how, task_id=task_id, settings=others)
    repeated = RepeatedJob(call, limits)
    outcome, last, attempts = repeated.run()
    if not outcome.ok:
        earlier = ", ".join(map(str, attempts[:-1]))
        message = f"{last.failure_message(outcome)}; {attempts[-1].next}"
        message += f"; before: {earlier}" if earlier else ""
        raise BatchJobError.with_status(outcome.status, message)
    return {
        **outcome.to_dict(),
        "core_hours": total_core_hours(attempts),
        "seconds": repeated.seconds,
        "directory": str(last.directory.path),
        "failed_attempts": [attempt.summary() for attempt in attempts[:-1]],
    }


class RepeatedJob:
    """A job with its attempts.

    Args:
        call: the first attempt, whose directory has the record of all.
        limits: how often it is run, and what a further attempt may ask for.

    Attributes:
        seconds: how long the last attempt was waited for.
    """

    def __init__(self, call: JobCall, limits: AttemptSettings) -> None:
        self._call = call
        self._limits = limits
        self.seconds = 0.0

    def run(self) -> tuple[JobOutcome, JobCall, list[Attempt]]:
        """Run the job until it succeeds, fails for good, or has had its attempts.

        Returns:
            The outcome of the last attempt, its call, and all attempts.

        Raises:
            BatchJobError: the task was cancelled, or the scheduler refuses the job.
        """
        first, task = self._call.directory, self._call.task
        attempts = read_attempts(first, task)
        self._give_work_to_next(len(attempts))
        for number in range(2, number_of_other_tasks_attempts(first, task) + 1):
            # An attempt of another task may still run: it does the same work.
            if (path := self._path(number)).is_dir():
                settle_other_tasks_job(self._call.scheduler, JobDirectory(path), task)
        while True:
            started_at, moment = time.time(), time.monotonic()
            outcome, call = self._run_once(attempts)
            self.seconds = round(time.monotonic() - moment, 3)
            seconds = _seconds(call.directory, outcome, started_at)
            attempts.append(
                Attempt.of(len(attempts) + 1, call.directory.path.name, outcome, seconds)
            )
            if outcome.ok:
                break
            failure = classify_failure(outcome, _printed(call.directory))
            attempts[-1] = replace(attempts[-1], cause=failure.cause.value, words=failure.words)
            decided = decide_next(
                call.scheduler,
                call.settings,
                self._limits,
                failure,
                attempts,
                submitted=call.how == "submit",
            )
            attempts[-1] = attempts[-1].followed_by(decided)
            if not decided.repeat:
                break
            write_attempts(first, task, attempts)
            self._give_work_to_next(len(attempts))
            self._cancel_lost(call, outcome)
            self._pause(attempts)
        if len(attempts) > 1 or not outcome.ok:
            write_attempts(first, task, attempts)
        return outcome, call, attempts

    def _run_once(self, attempts: list[Attempt]) -> tuple[JobOutcome, JobCall]:
        """Run an attempt; where what was changed for it is refused, without the change."""
        call = self._next_call(attempts)
        try:
            return call.run(), call
        except SubmissionRefused as refused:
            if refused.refusal is not Refusal.PERMANENT or not attempts:
                raise
            last = attempts[-1]
            if not last.excluded and not (last.walltime and self._limits.resumes):
                # More time or memory is not to be had here: the failure before is what counts.
                raise BatchJobError(f"{last}; {last.next}: {refused}") from refused
            refusal = f"the same again: {refused}"
            attempts[-1] = replace(last, excluded=(), walltime="", next=refusal)
            write_attempts(self._call.directory, self._call.task, attempts)
            call = self._next_call(attempts)
            return call.run(), call

    def _next_call(self, attempts: list[Attempt]) -> JobCall:
        call, number = self._call, len(attempts) + 1
        if number == 1:
            return call
        known = SubmissionRecord.read(call.directory)
        if known is not None and known.task != call.task:
            raise BatchJobError(f"{call.directory.path}: another task has taken the directory")
        # A job of another name is another job, also for a scheduler that knows the first one.
        directory = JobDirectory(self._path(number))
        settings = changed_settings(call.scheduler, call.settings, attempts)
        return replace(call, directory=directory, settings=settings)

    def _path(self, number: int) -> Path:
        path = self._call.directory.path
        return path if number == 1 else path.with_name(f"{path.name}-{number}")

    def _give_work_to_next(self, number: int) -> None:
        """Keep a failed attempt's job from being run again beside the next attempt.

        Somebody may requeue it, or the scheduler find it again: its script then sees an owner that
        it is not, and ends at once.
        """
        if number and self._call.how == "submit":
            with contextlib.suppress(BatchJobError):
                JobDirectory(self._path(number)).write(OWNER, f"{self._path(number + 1).name}\n")

    def _cancel_lost(self, call: JobCall, outcome: JobOutcome) -> None:
        """Cancel a job that the scheduler does not know, lest it knows it again."""
        job = JobId.parse(outcome.job_id)
        if call.how == "submit" and outcome.status is CompletionStatus.LOST and job is not None:
            with contextlib.suppress(SchedulerError):
                call.scheduler.cancel([job])

    def _pause(self, attempts: list[Attempt]) -> None:
        seconds = pause_seconds(self._limits, len(attempts))
        notices = Notices(self._call.task, self._call.directory.path)
        number, last = len(attempts) + 1, attempts[-1]
        notices.publish(
            f"{last}: attempt {number} of {self._limits.attempts}, {last.next}, follows", seconds
        )
        try:
            sleep_unless_cancelled(seconds, self._call.task)
        finally:
            notices.clear()


def _printed(directory: JobDirectory) -> str:
    names = ("stdout", "stderr", "scheduler.log")
    return "\n".join(directory.read_end(name, _PRINTED_BYTES) for name in names)


def _seconds(directory: JobDirectory, outcome: JobOutcome, started_at: float) -> float | None:
    """Return how long a job took: from its start on the node, else from its submission."""
    started = directory.read_json("host.json").get("started_at")
    if isinstance(started, str) and outcome.nodes:
        try:
            moment = datetime.fromisoformat(started).astimezone(UTC)
            started_at = moment.timestamp()
        except ValueError:
            return None
    return round(max(0.0, time.time() - started_at), 1)
