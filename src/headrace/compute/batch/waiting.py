"""Waiting for a job: the file that it leaves first, the scheduler seldom.

Only a positive statement ends a wait: the file with the job's exit code, a final state, or
"no such job" from a scheduler that answers cleanly otherwise. No answer is none.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

from ..scheduler import Job, JobId, JobState, Queue, Scheduler, SchedulerError
from .cancelling import was_cancelled
from .directory import ExitRecord, JobDirectory
from .errors import BatchJobError
from .notices import Notices
from .queue_cache import MAX_AGE_SECONDS, QueueCache
from .submission import Submission

POLL_SECONDS: Final = 0.5
FIRST_QUERY_SECONDS: Final = 2.0
# A job that the scheduler says it does not have is given up after so long; where accounting says
# that it runs, the scheduler may just be coming up.
UNKNOWN_SECONDS: Final = 30.0
_DISAGREEMENT_SECONDS: Final = 600.0
# The file system of a compute node may show a file here later than the scheduler tells the end.
FILE_SECONDS: Final = 45.0
# A job that may be run again comes back within so long, or does not.
REQUEUE_SECONDS: Final = 180.0
# How long the scheduler is asked for the state of a job that has left its exit code.
FINAL_RECORD_SECONDS: Final = 4.0
# So long after that it is asked again whether one may be run again.
_UNDECIDED_SECONDS: Final = 10.0
# Accounting's clock, this machine's clock and daylight saving time differ by less.
_CLOCKS_SECONDS: Final = 7200.0

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """A call in a thread of its own, so that a scheduler that hangs holds nobody up.

    Args:
        call: what is called; a :class:`SchedulerError` counts as no answer.
    """

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="scheduler", daemon=True)
        self._thread.start()

    def done(self, seconds: float = 0.0) -> bool:
        """Wait so long at the most, and says whether the call has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> T | None:
        """Return what came of it; None where nothing did, or not yet."""
        if self._error is not None:
            raise self._error
        return self._result

    def _work(self) -> None:
        try:
            self._result = self._call()
        except SchedulerError:
            self._result = None
        except BaseException as error:  # noqa: BLE001 - raised where it is asked for
            self._error = error


@dataclass(frozen=True)
class JobReport:
    """What the scheduler says of a job.

    Attributes:
        jobs: the job, or the members of an array.
        unknown: whether it says that there is no such job: in the queue, by its number, and in
            accounting.
        accounting_disagrees: whether accounting says that it has not ended all the same.
        whole: whether what is not in ``jobs`` is known not to be in the queue.
    """

    jobs: Sequence[Job] = field(default_factory=tuple)
    unknown: bool = False
    accounting_disagrees: bool = False
    complete: bool = False


class JobPoller:
    """Asks the scheduler for one job, at growing intervals and in the background.

    Args:
        scheduler: who is asked.
        submission: the job.
        size: number of members, where it is an array.
    """

    def __init__(self, scheduler: Scheduler, submission: Submission, size: int = 0) -> None:
        self._size = size
        self._scheduler = scheduler
        self._submission = submission
        self._cache = QueueCache(scheduler)
        self._known = ""
        self._interval = FIRST_QUERY_SECONDS
        self._next = time.monotonic() + FIRST_QUERY_SECONDS
        self._pending: BackgroundCall[JobReport | None] | None = None

    def poll(self) -> JobReport | None:
        """Return a statement where there is a new one. Does not wait."""
        if self._pending is None:
            if time.monotonic() >= self._next:
                self._pending = BackgroundCall(self._query)
            return None
        if not self._pending.done():
            return None
        asking, self._pending = self._pending, None
        self._next = time.monotonic() + POLL_SECONDS
        statement = asking.result()
        if statement is not None:
            self._next = time.monotonic() + self._interval
            self._interval = min(2 * self._interval, MAX_AGE_SECONDS)
        return statement

    def final_record(self, seconds: float, *, final: bool) -> Job | None:
        """Ask for the job's record; None where it is not told in time.

        Args:
            seconds: how long it is asked for.
            final: whether to ask again while the job has not ended, as far as the scheduler knows.
        """
        job = self._submission.job
        if job is None:
            return None
        record: Job | None = None
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            asking = BackgroundCall(lambda: self._scheduler.show(job))
            if not asking.done(left):
                break
            found = asking.result()
            if found is not None:
                record = _first_unfinished(found)
                if not final or record is None or record.state.final:
                    break
            time.sleep(POLL_SECONDS)
        return record

    def _query(self) -> JobReport | None:
        try:
            answer = self._cache.query(self._known, self._interval)
        except SchedulerError:
            # The job may be asked for by its number all the same.
            return query_job(
                self._scheduler, self._submission, Queue(complete_clusters=()), self._size
            )
        if answer is None:
            return None
        self._known = answer.name
        return query_job(self._scheduler, self._submission, answer.queue, self._size)


def query_job(
    scheduler: Scheduler, submission: Submission, queue: Queue, size: int = 0
) -> JobReport | None:
    """Put together what the scheduler says of a job; None where it says nothing.

    Args:
        scheduler: who is asked further.
        submission: the job.
        queue: the queue as it was shown.
        size: number of members, where it is an array.
    """
    job = submission.job
    if job is None:
        return None
    whole = job.cluster in queue.complete_clusters
    rows = [row for row in queue.jobs if row.belongs_to(job) and not has_other_tag(row, submission)]
    open_rows = [row for row in rows if not row.state.final]
    if open_rows and len(jobs_by_array_index(rows)) >= size:
        return JobReport(rows)
    # Its end, or its absence, is asked for by its number.
    try:
        records = scheduler.show(job)
    except SchedulerError:
        return JobReport(rows) if rows else None
    records = [one for one in records if not has_other_tag(one, submission)]
    if records:
        told = {one.job_id for one in records}
        more = [row for row in rows if row.job_id not in told]
        return JobReport([*records, *more] if size else records, complete=whole)
    if rows:
        return JobReport(rows)
    earliest = submission.time - _CLOCKS_SECONDS
    accounted = scheduler.accounting_records(job, submission.name, earliest)
    if accounted and all(one.state.final for one in accounted):
        return JobReport(accounted)
    if not whole:
        return None
    return JobReport((), unknown=True, accounting_disagrees=bool(accounted))


def jobs_by_array_index(jobs: Sequence[Job]) -> dict[int, Job]:
    """Return the members of an array that jobs are, by their indices."""
    found: dict[int, Job] = {}
    for job in jobs:
        words = job.array_indices.strip("[]").partition("%")[0]
        for part in words.split(","):
            match = _RANGE.fullmatch(part)
            if match:
                first = int(match[1])
                for index in range(first, int(match[2] or first) + 1, int(match[3] or 1)):
                    found[index] = job
    return found


_RANGE: Final = re.compile(r"([0-9]+)(?:-([0-9]+)(?::([0-9]+))?)?")


def has_other_tag(job: Job, submission: Submission) -> bool:
    """Say whether a job of a submission's number is another one: ids are used again."""
    # A site may have put words of its own into the comment, or cut it.
    comment = job.comment.strip()
    return _TAG.fullmatch(comment) is not None and comment != submission.tag


_TAG: Final = re.compile(r"headrace:[A-Za-z0-9_.-]+:[0-9a-f]{12}")


class EndDetector:
    """Says when statements amount to an end. The one rule, for jobs and for members of arrays.

    Args:
        requeue: whether the scheduler may run the job again after its node was lost.
    """

    def __init__(self, requeue: bool) -> None:
        self._requeue = requeue
        self._unknown_since: dict[str, float] = {}
        self._final_since: dict[str, float] = {}

    def has_ended(
        self, key: str, state: JobState | None, accounting_disagrees: bool = False
    ) -> bool:
        """Say whether what was just said of a job, or a member, is its end.

        Args:
            key: name of the job or member.
            state: its state; None: the scheduler says that it has no such job.
            accounting_disagrees: whether accounting says that it has not ended.
        """
        now = time.monotonic()
        if state is None:
            self._final_since.pop(key, None)
            limit = _DISAGREEMENT_SECONDS if accounting_disagrees else UNKNOWN_SECONDS
            return now - self._unknown_since.setdefault(key, now) >= limit
        self._unknown_since.pop(key, None)
        if not state.final:
            self._final_since.pop(key, None)
            return False
        if not (self._requeue and state.may_be_requeued):
            return True
        return now - self._final_since.setdefault(key, now) >= REQUEUE_SECONDS


@dataclass(frozen=True)
class JobEnd:
    """The end of a job.

    Attributes:
        job: the job that did the work.
        note: what its script left; None where it left nothing.
        record: the scheduler's last word; None where it has none.
    """

    job: JobId
    exit_record: ExitRecord | None = None
    scheduler_record: Job | None = None


def wait_for_job(
    scheduler: Scheduler,
    directory: JobDirectory,
    submission: Submission,
    *,
    task: str,
    requeue: bool = False,
) -> JobEnd:
    """Wait until a job has ended.

    The job's exit code is looked for twice a second. The scheduler is asked at growing intervals,
    for the jobs that end without leaving one.

    Args:
        scheduler: the scheduler.
        directory: the job's directory.
        submission: the job.
        task: who waits.
        requeue: whether the scheduler may run the job again after its node was lost.

    Raises:
        BatchJobError: the task was cancelled.
    """
    job = submission.job
    assert job is not None  # noqa: S101 - it was submitted
    watch, rule = JobPoller(scheduler, submission), EndDetector(requeue)
    notices = Notices(task, directory.path)
    restarts, looked, undecided = 0, time.monotonic(), 0.0
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(notices.clear)
        while True:
            # Another job of the same submission may have begun the work.
            names = {job.number, directory.owner() or job.number}
            note = directory.exit_record_of(names)
            if note and note.restarts >= restarts and time.monotonic() >= undecided:
                end = _end_with_exit_record(watch, job, note, requeue)
                if end is not None:
                    return end
                undecided = time.monotonic() + _UNDECIDED_SECONDS
            time.sleep(POLL_SECONDS)
            if time.monotonic() - looked > 2.0:
                looked = time.monotonic()
                if was_cancelled(task):
                    raise BatchJobError(f"the task was cancelled; its job is {job}")
            statement = watch.poll()
            if statement is None:
                continue
            found = _first_unfinished(statement.jobs)
            if found is None and not statement.unknown:
                continue
            if found is not None:
                restarts = max(restarts, found.restarts or 0)
                directory.append_state(found.state.value, found.reason, found.nodes)
                report_blocked(notices, found)
            state = found.state if found is not None else None
            if rule.has_ended(job.number, state, statement.accounting_disagrees):
                other = directory.owner()
                if other and other != job.number:
                    job = JobId(other, job.cluster)
                    submission = replace(submission, job=job)
                    watch = JobPoller(scheduler, submission)
                    continue
                note = _wait_for_exit_record(directory, job, restarts, state)
                return JobEnd(job, note, found)


def _first_unfinished(jobs: Sequence[Job]) -> Job | None:
    """Return the record that counts: a job of several parts has ended with the last of them."""
    open_jobs = [job for job in jobs if not job.state.final]
    return next(iter([*open_jobs, *jobs]), None)


def report_blocked(notices: Notices, job: Job) -> None:
    """Say of a job that will not start by itself what it waits for."""
    if job.needs_attention:
        why = job.reason or job.state.value
        at = f" -M {job.cluster}" if job.cluster else ""
        notices.publish(
            f"Slurm job {job.number} needs somebody: {why} (scontrol{at} release {job.number}, or "
            f"scancel{at} {job.number})"
        )
    else:
        notices.clear()


def _end_with_exit_record(
    watch: JobPoller, job: JobId, note: ExitRecord, requeue: bool
) -> JobEnd | None:
    """Return the end of a job that has left its exit code; None: it may be run again."""
    # Why a script failed, the scheduler knows; that one has succeeded, its code says.
    wait = FINAL_RECORD_SECONDS if note.code else POLL_SECONDS * 4
    record = watch.final_record(wait, final=note.code != 0)
    if record is not None and record.number != note.job:
        record = None
    if requeue:
        open_ = record is None or not record.state.final
        if record is not None and (record.restarts or 0) > note.restarts:
            return None
        if note.code != 0 and (open_ or (record is not None and record.state.may_be_requeued)):
            # What ends a job to run it again also makes its script fail.
            return None
    ended = record if record is not None and record.state.final else None
    return JobEnd(JobId(note.job, job.cluster), note, ended)


def _wait_for_exit_record(
    directory: JobDirectory, job: JobId, restarts: int, state: JobState | None
) -> ExitRecord | None:
    # What was killed leaves nothing; what ended by itself leaves its code before it ends.
    itself = state in (JobState.COMPLETED, JobState.FAILED)
    end = time.monotonic() + (FILE_SECONDS if itself else 2.0)
    names: Collection[str] = (job.number,)
    while True:
        note = directory.exit_record_of(names)
        if note is not None and note.restarts >= restarts:
            return note
        if time.monotonic() > end:
            return None
        time.sleep(POLL_SECONDS)
