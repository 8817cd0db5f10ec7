"""Waiting for the members of an array."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from ..scheduler import Job, JobState, Scheduler
from .background import BackgroundCall
from .cancelling import raise_if_cancelled
from .directory import JobDirectory
from .job_query import JobPoller, has_other_tag, jobs_by_array_index
from .member_exits import member_exits
from .notices import Notices
from .submission import SubmissionRecord
from .waiting import FILE_SECONDS, FINAL_RECORD_SECONDS, EndDetector, report_blocked

POLL_SECONDS: Final = 1.0
# File of an array's directory with the ends of members that left no exit code.
_ENDS: Final = "ends.json"
# What ends like that has come to the end of its script.
_SCRIPT_ENDED: Final = (JobState.COMPLETED, JobState.FAILED)


@dataclass(frozen=True)
class MemberEnd:
    """End of a member that left no exit code, as the scheduler shows it.

    Attributes:
        state: its last state; None: the scheduler does not know it.
        code: its exit code, where its script came to its end.
        reason: the scheduler's reason for it.
    """

    state: JobState | None = None
    code: int | None = None
    reason: str = ""

    def __str__(self) -> str:
        """Return the state and the reason."""
        why = f" ({self.reason})" if self.reason not in ("", "None") else ""
        return f"{self.state or 'lost'}{why}"


def wait_for_array(
    scheduler: Scheduler,
    directory: JobDirectory,
    part: JobDirectory,
    submission: SubmissionRecord,
    numbers: Sequence[int],
    *,
    task: str,
    requeue: bool,
) -> dict[int, MemberEnd]:
    """Wait until all members of an array have ended.

    Args:
        scheduler: the scheduler.
        directory: the directory of all arrays.
        part: the directory of this one.
        submission: the array.
        numbers: the members' numbers, by index.
        task: the task that waits.
        requeue: whether the scheduler may run members again after their nodes were lost.

    Returns:
        The ends of the members that left no exit code, by number.

    Raises:
        BatchJobError: the task was cancelled.
    """
    assert submission.job is not None  # noqa: S101 - it was submitted
    poller = JobPoller(scheduler, submission, len(numbers))
    detector, notices = EndDetector(requeue), Notices(task, part.path)
    jobs = {submission.job.number}
    open_, ends = set(range(len(numbers))), dict[int, MemberEnd]()
    ended_at: dict[int, float] = {}
    checked = time.monotonic()

    def decided(index: int) -> bool:
        # What ends a member to run it again also makes its script fail.
        return not requeue or index in ends

    try:
        while True:
            jobs |= {part.owner()} - {""}
            for index, left in member_exits(directory, numbers, open_):
                if left.job in jobs and (left.code == 0 or decided(index)):
                    open_.discard(index)
                    ends.pop(index, None)
            now = time.monotonic()
            for index in [
                i for i in open_ if now - ended_at.get(i, now) > _exit_file_seconds(ends.get(i))
            ]:
                open_.discard(index)
            if not open_:
                break
            time.sleep(POLL_SECONDS)
            if time.monotonic() - checked > 2 * POLL_SECONDS:
                checked = time.monotonic()
                raise_if_cancelled(task)
            report = poller.poll()
            if report is None:
                continue
            shown = jobs_by_array_index(report.jobs)
            states = sorted({job.state.value for job in report.jobs})
            part.append_state(",".join(states) or "UNKNOWN")
            for job in report.jobs[:1]:
                needing = [one for one in report.jobs if one.needs_attention]
                report_blocked(scheduler, notices, needing[0] if needing else job)
            for index in sorted(open_ - set(ended_at)):
                member = shown.get(index)
                if member is None and not (report.unknown or report.complete):
                    continue
                state = member.state if member is not None else None
                if detector.has_ended(str(index), state, report.accounting_disagrees):
                    ends[index] = _end_of(member)
                    ended_at[index] = time.monotonic()
    finally:
        notices.clear()
    ends |= _recorded_ends(scheduler, submission, ends)
    found = {numbers[index]: end for index, end in ends.items()}
    part.try_write_json(_ENDS, {str(number): asdict(end) for number, end in found.items()})
    part.try_write_json("submission.json", {**submission.to_dict(), "settled": True})
    return found


def read_ends(part: JobDirectory) -> dict[int, MemberEnd]:
    """Return the ends of members that left no exit code, of an array that was waited for."""
    found = {}
    for number, end in part.read_json(_ENDS).items():
        try:
            state = JobState(end["state"]) if end["state"] else None
            found[int(number)] = MemberEnd(state, end["code"], end["reason"])
        except (KeyError, TypeError, ValueError):
            continue  # of another version: the member is run again
    return found


def _end_of(member: Job | None) -> MemberEnd:
    if member is None:
        return MemberEnd()
    code = member.exit_code if member.state in _SCRIPT_ENDED else None
    return MemberEnd(member.state, code, member.reason)


def _recorded_ends(
    scheduler: Scheduler, submission: SubmissionRecord, ends: Mapping[int, MemberEnd]
) -> dict[int, MemberEnd]:
    """Return the ends of members whose exit codes are neither in a file nor in the queue.

    The queue shows no exit codes; the record of the array does.
    """
    job = submission.job
    unknown = {i for i, end in ends.items() if end.code is None and end.state in _SCRIPT_ENDED}
    if job is None or not unknown:
        return {}
    call = BackgroundCall(lambda: scheduler.show(job))
    records = (call.result() or []) if call.done(FINAL_RECORD_SECONDS) else []
    shown = jobs_by_array_index([one for one in records if not has_other_tag(one, submission)])
    return {i: _end_of(shown[i]) for i in unknown if i in shown and shown[i].state.final}


def _exit_file_seconds(end: MemberEnd | None) -> float:
    # What was killed leaves nothing; what ended by itself leaves its code before it ends.
    by_itself = end is not None and end.state in _SCRIPT_ENDED
    return FILE_SECONDS if by_itself else 2.0
