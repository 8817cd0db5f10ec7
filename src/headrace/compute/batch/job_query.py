"""Questions to the scheduler about one job."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ..scheduler import Job, Queue, Scheduler, SchedulerError
from .background import BackgroundCall
from .queue_cache import MAX_AGE_SECONDS, QueueCache
from .submission import SubmissionRecord

POLL_SECONDS: Final = 0.5
FIRST_QUERY_SECONDS: Final = 2.0
# Accounting's clock, this machine's clock and daylight saving time differ by less.
_CLOCKS_SECONDS: Final = 7200.0


@dataclass(frozen=True)
class JobReport:
    """Answer of the scheduler about a job.

    Attributes:
        jobs: the job, or the members of an array.
        unknown: whether it says that there is no such job: in the queue, by its number, and in
            accounting.
        accounting_disagrees: whether accounting says that it has not ended all the same.
        complete: whether what is not in ``jobs`` is known not to be in the queue.
    """

    jobs: Sequence[Job] = field(default_factory=tuple)
    unknown: bool = False
    accounting_disagrees: bool = False
    complete: bool = False


class JobPoller:
    """Asks the scheduler for one job, at growing intervals and in the background.

    Args:
        scheduler: the scheduler.
        submission: the job.
        size: number of members, where it is an array.
    """

    def __init__(self, scheduler: Scheduler, submission: SubmissionRecord, size: int = 0) -> None:
        self._size = size
        self._scheduler = scheduler
        self._submission = submission
        self._cache = QueueCache(scheduler)
        self._known = ""
        self._interval = FIRST_QUERY_SECONDS
        self._next = time.monotonic() + FIRST_QUERY_SECONDS
        self._pending: BackgroundCall[JobReport | None] | None = None

    def poll(self) -> JobReport | None:
        """Return a report where there is a new one. Does not wait."""
        if self._pending is None:
            if time.monotonic() >= self._next:
                self._pending = BackgroundCall(self._query)
            return None
        if not self._pending.done():
            return None
        call, self._pending = self._pending, None
        self._next = time.monotonic() + POLL_SECONDS
        report = call.result()
        if report is not None:
            self._next = time.monotonic() + self._interval
            self._interval = min(2 * self._interval, MAX_AGE_SECONDS)
        return report

    def final_record(self, seconds: float, *, final: bool) -> Job | None:
        """Ask for the job's record; None where there is no answer in time.

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
            call = BackgroundCall(lambda: self._scheduler.show(job))
            if not call.done(left):
                break
            found = call.result()
            if found is not None:
                record = first_unfinished(found)
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
    scheduler: Scheduler, submission: SubmissionRecord, queue: Queue, size: int = 0
) -> JobReport | None:
    """Return the scheduler's answers about a job in one; None where it says nothing.

    Args:
        scheduler: the scheduler, which is asked for details.
        submission: the job.
        queue: the queue as it was shown.
        size: number of members, where it is an array.
    """
    job = submission.job
    if job is None:
        return None
    complete = job.cluster in queue.complete_clusters
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
        known = {one.job_id for one in records}
        more = [row for row in rows if row.job_id not in known]
        return JobReport([*records, *more] if size else records, complete=complete)
    if rows:
        return JobReport(rows)
    earliest = submission.time - _CLOCKS_SECONDS
    accounted = scheduler.accounting_records(job, submission.name, earliest)
    if accounted and all(one.state.final for one in accounted):
        return JobReport(accounted)
    if not complete:
        return None
    return JobReport((), unknown=True, accounting_disagrees=bool(accounted))


def jobs_by_array_index(jobs: Sequence[Job]) -> dict[int, Job]:
    """Return jobs that are members of an array by their indices."""
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


def has_other_tag(job: Job, submission: SubmissionRecord) -> bool:
    """Return whether a job of a submission's number is another one: ids are used again."""
    # A site may have added text of its own where the scheduler keeps the tag, or cut it.
    tag = job.tag.strip()
    return _TAG.fullmatch(tag) is not None and tag != submission.tag


_TAG: Final = re.compile(r"headrace:[A-Za-z0-9_.-]+:[0-9a-f]{12}")


def first_unfinished(jobs: Sequence[Job]) -> Job | None:
    """Return the record that counts: a job of several parts has ended with the last of them."""
    open_jobs = [job for job in jobs if not job.state.final]
    return next(iter([*open_jobs, *jobs]), None)
