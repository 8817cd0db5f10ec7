"""Many calls of one script, as job arrays with a limit of how many at once."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..scheduler import (
    CompletionStatus,
    Job,
    JobState,
    Refusal,
    Scheduler,
    SchedulerError,
    SubmissionRefused,
)
from .cancelling import raise_if_cancelled
from .directory import JobDirectory
from .errors import BatchJobError
from .notices import Notices
from .outcome import OUTPUT_SECONDS, missing_outputs
from .previous_job import settle_previous_job
from .script import array_text
from .settings import JobSettings
from .submission import Submission, record_intent, submission_tag, submit_once
from .waiting import (
    FILE_SECONDS,
    FINAL_RECORD_SECONDS,
    BackgroundCall,
    EndDetector,
    JobPoller,
    has_other_tag,
    jobs_by_array_index,
    report_blocked,
)

POLL_SECONDS: Final = 1.0
_LIMITS_PAUSE: Final = 10.0
# What ends like that has come to the end of its script.
_SCRIPT_ENDED: Final = (JobState.COMPLETED, JobState.FAILED)
_EXIT_TEXT: Final = re.compile(r"([0-9]{1,3})(?: ([0-9]*) ([0-9]+))?\n")


@dataclass(frozen=True)
class MemberExit:
    """What a member's script left at its end.

    Attributes:
        code: its exit code.
        job: number of the array; empty where an earlier version of headrace wrote it.
        restarts: how often Slurm had run the member again before.
    """

    code: int
    job: str = ""
    restarts: int = 0


@dataclass(frozen=True)
class MemberEnd:
    """What Slurm says of the end of a member that left nothing.

    Attributes:
        state: its last state; None: Slurm does not know it.
        code: its exit code, where its script came to its end.
        reason: what Slurm says besides.
    """

    state: JobState | None = None
    code: int | None = None
    reason: str = ""

    def __str__(self) -> str:
        """Return what is known, in words."""
        why = f" ({self.reason})" if self.reason not in ("", "None") else ""
        return f"{self.state or 'lost'}{why}"


@dataclass(frozen=True)
class ArrayTask:
    """A call of :func:`~.run.run_batch_array`.

    Attributes:
        scheduler: where to.
        directory: the directory of all arrays of the call.
        settings: what each member asks for.
        workdir: where they run.
        script: the copy of the script that is run.
        task: what is asked for.
        at_once: how many run at the same time at the most.
    """

    scheduler: Scheduler
    directory: JobDirectory
    settings: JobSettings
    workdir: Path
    script: Path
    task: str
    at_once: int


def run_members(
    scheduler: Scheduler,
    directory: JobDirectory,
    settings: JobSettings,
    workdir: Path,
    members: Sequence[Sequence[str]],
    task: str,
    at_once: int,
    retries: int,
) -> dict[str, Any]:
    """Run every member, and those that failed again.

    Args:
        scheduler: where to.
        directory: the array's directory.
        settings: what each member asks for.
        workdir: where they run.
        members: the arguments of each.
        task: what is asked for.
        at_once: how many run at the same time at the most.
        retries: how often failed ones are submitted again.

    Raises:
        BatchJobError: members failed after all.
    """
    if not members or not isinstance(at_once, int) or at_once < 1:
        raise BatchJobError("an array needs members, and at_once of at least 1")
    lines = _lines(members)
    script = directory.path / settings.script.name
    array = ArrayTask(scheduler, directory, settings, workdir, script, task, at_once)
    job_ids = _settle_parts(array)
    _prepare(array, lines)
    size = _array_size(array)
    ended: dict[int, MemberEnd] = {}
    for attempt in range(retries + 1):
        codes = _codes(directory, len(members), ended)
        left = [number for number, code in codes.items() if code != 0]
        if attempt:
            _remove_exits(directory, left)
        wanted = [number for number in left if attempt or codes[number] is None]
        job_ids += _run_all(array, lines, wanted, size, ended)
    codes = _codes(directory, len(members), ended)
    failed = {number: code for number, code in codes.items() if code != 0}
    if failed:
        number, code = next(iter(failed.items()))
        end = ended.get(number, MemberEnd())
        told = f"code {code}" if code is not None else f"no exit code: {end}"
        raise BatchJobError.with_status(
            CompletionStatus.FAILED,
            f"{settings.script.name}: {len(failed)} of {len(members)} members failed, the first is "
            f"{number} with {told}; see {directory.path / 'members' / f'{number}.err'}",
        )
    missing = missing_outputs(settings, workdir, OUTPUT_SECONDS)
    if missing:
        raise BatchJobError.with_status(
            CompletionStatus.OUTPUTS_MISSING,
            f"{settings.script.name}: outputs missing: {', '.join(missing[:5])}",
        )
    return {
        "members": len(members),
        "job_ids": job_ids,
        "submissions": len(job_ids),
        "directory": str(directory.path),
    }


def _codes(
    directory: JobDirectory, count: int, ended: Mapping[int, MemberEnd]
) -> dict[int, int | None]:
    codes = {number: _code(directory, number) for number in range(count)}
    said = {number: end.code for number, end in ended.items() if codes[number] is None}
    return {**codes, **said}


def _lines(members: Sequence[Sequence[str]]) -> list[str]:
    lines = []
    for number, arguments in enumerate(members):
        line = shlex.join(str(argument) for argument in arguments)
        if "\n" in line or "\0" in line:
            raise BatchJobError(f"member {number}: an argument with a line break")
        lines.append(line)
    return lines


def _prepare(array: ArrayTask, lines: Sequence[str]) -> None:
    directory, text = array.directory, "\n".join(lines) + "\n"
    if directory.read_text("members.txt") not in (None, text):
        # Other members than before: what ended then says nothing of these.
        shutil.rmtree(directory.path / "exit_codes", ignore_errors=True)
    try:
        for name in ("exit_codes", "members", "arrays"):
            (directory.path / name).mkdir(exist_ok=True)
        shutil.copyfile(array.settings.script, array.script)
    except OSError as error:
        raise BatchJobError(f"{error.filename or directory.path}: {error.strerror}") from error
    if directory.read_json("array.json").get("task") != array.task:
        # What failed for another task is tried again for this one.
        _remove_exits(directory, [n for n in range(len(lines)) if _code(directory, n) != 0])
    directory.write("members.txt", text)
    directory.write_json("array.json", {"task": array.task, "members": len(lines)})


def _settle_parts(array: ArrayTask) -> list[str]:
    """Wait for the arrays that an earlier call has left, and returns those of this task."""
    job_ids = []
    for path in sorted((array.directory.path / "arrays").glob("*/submission.json")):
        part = JobDirectory(path.parent)
        known = Submission.read(part)
        if known is None or known.settled:
            continue
        if known.task == array.task and known.job is not None:
            numbers = [int(line.partition(" ")[0]) for line in _part_lines(part)]
            _wait(array, part, known, numbers)
            job_ids.append(str(known.job))
        else:
            settle_previous_job(array.scheduler, part, known, array.task)
    return job_ids


def _part_lines(part: JobDirectory) -> list[str]:
    lines = (part.read_text("members.txt") or "").split("\n")
    return [line for line in lines if line.partition(" ")[0].isdigit()]


def _run_all(
    array: ArrayTask,
    lines: Sequence[str],
    wanted: Sequence[int],
    largest: int,
    ended: dict[int, MemberEnd],
) -> list[str]:
    """Run members, in as many arrays as the cluster's limits ask for, one after the other."""
    job_ids: list[str] = []
    size = largest
    left = list(wanted)
    while left:
        numbers = left[:size]
        part, intent = _new_part(array, [f"{number} {lines[number]}" for number in numbers])
        options = [f"--array=0-{len(numbers) - 1}%{array.at_once}"]
        try:
            submitted = submit_once(
                array.scheduler,
                part,
                array.settings,
                intent,
                new=True,
                options=options,
                wait_at_limit=len(numbers) == 1,
            )
        except SubmissionRefused as refused:
            shutil.rmtree(part.path, ignore_errors=True)
            if refused.refusal is Refusal.LIMIT and len(numbers) > 1:
                # Each member counts against the limit of submitted jobs.
                size = len(numbers) // 2
                continue
            raise
        ended.update(_wait(array, part, submitted, numbers))
        job_ids.append(str(submitted.job))
        left = left[len(numbers) :]
        size = min(largest, 2 * size)
    return job_ids


def _new_part(array: ArrayTask, lines: Sequence[str]) -> tuple[JobDirectory, Submission]:
    directory = array.directory.path
    with array.directory.locked():
        known = [int(p.name) for p in (directory / "arrays").iterdir() if p.name.isdigit()]
        # A number is used once: a file system may show what was there before.
        number = max([*known, int(array.directory.read_json("parts.json").get("last", 0))]) + 1
        array.directory.write_json("parts.json", {"last": number})
        part = JobDirectory(directory / "arrays" / f"{number:04d}")
    tag = submission_tag(array.task, part.path, number)
    text = array_text(array.settings, directory, part.path, array.workdir, array.script, tag)
    part.write("members.txt", "\n".join(lines) + "\n")
    part.write("submitted.sh", text)
    return part, record_intent(part, array.settings, tag)


def _array_size(array: ArrayTask) -> int:
    """Return how many members the cluster takes in one array."""
    named = [o.partition("=")[2] for o in array.settings.options if o.startswith("--clusters=")]
    cluster = named[-1].partition(",")[0] if named else ""
    notices = Notices(array.task, array.directory.path)
    try:
        while True:
            raise_if_cancelled(array.task)
            try:
                size = array.scheduler.limits(cluster).max_array_size
            except SchedulerError as error:
                notices.publish(f"the largest array of the cluster is not known yet: {error}")
                time.sleep(_LIMITS_PAUSE)
                continue
            if size < 1:
                raise BatchJobError("this cluster takes no job arrays (MaxArraySize is 0)")
            return size
    finally:
        notices.clear()


def _wait(
    array: ArrayTask, part: JobDirectory, submission: Submission, numbers: Sequence[int]
) -> dict[int, MemberEnd]:
    """Wait for an array, and return the ends of the members that left no exit code."""
    assert submission.job is not None  # noqa: S101 - it was submitted
    watch = JobPoller(array.scheduler, submission, len(numbers))
    rule, notices = EndDetector(array.settings.requeue), Notices(array.task, part.path)
    jobs = {submission.job.number}
    open_, ends = set(range(len(numbers))), dict[int, MemberEnd]()
    ended_at: dict[int, float] = {}
    looked = time.monotonic()

    def decided(index: int) -> bool:
        # What ends a member to run it again also makes its script fail.
        return not array.settings.requeue or index in ends

    try:
        while True:
            jobs |= {part.owner()} - {""}
            for index, note in _member_exits(array.directory, numbers, open_):
                if note.job in jobs and (note.code == 0 or decided(index)):
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
            if time.monotonic() - looked > 2 * POLL_SECONDS:
                looked = time.monotonic()
                raise_if_cancelled(array.task)
            statement = watch.poll()
            if statement is None:
                continue
            told = jobs_by_array_index(statement.jobs)
            shown = sorted({job.state.value for job in statement.jobs})
            part.append_state(",".join(shown) or "UNKNOWN")
            for job in statement.jobs[:1]:
                needing = [one for one in statement.jobs if one.needs_attention]
                report_blocked(notices, needing[0] if needing else job)
            for index in sorted(open_ - set(ended_at)):
                member = told.get(index)
                if member is None and not (statement.unknown or statement.complete):
                    continue
                state = member.state if member is not None else None
                if rule.has_ended(str(index), state, statement.accounting_disagrees):
                    ends[index] = _end_of(member)
                    ended_at[index] = time.monotonic()
    finally:
        notices.clear()
    ends |= _recorded_ends(array.scheduler, submission, ends)
    part.try_write_json("submission.json", {**submission.to_dict(), "settled": True})
    return {numbers[index]: end for index, end in ends.items()}


def _end_of(member: Job | None) -> MemberEnd:
    if member is None:
        return MemberEnd()
    code = member.exit_code if member.state in _SCRIPT_ENDED else None
    return MemberEnd(member.state, code, member.reason)


def _recorded_ends(
    scheduler: Scheduler, submission: Submission, ends: Mapping[int, MemberEnd]
) -> dict[int, MemberEnd]:
    """Return the ends of members whose exit codes are known neither by a note nor by the queue.

    The queue shows no exit codes; the record of the array does.
    """
    job = submission.job
    lacking = {i for i, end in ends.items() if end.code is None and end.state in _SCRIPT_ENDED}
    if job is None or not lacking:
        return {}
    asking = BackgroundCall(lambda: scheduler.show(job))
    records = (asking.result() or []) if asking.done(FINAL_RECORD_SECONDS) else []
    told = jobs_by_array_index([one for one in records if not has_other_tag(one, submission)])
    return {i: _end_of(told[i]) for i in lacking if i in told and told[i].state.final}


def _exit_file_seconds(end: MemberEnd | None) -> float:
    # What was killed leaves nothing; what ended by itself leaves its code before it ends.
    itself = end is not None and end.state in _SCRIPT_ENDED
    return FILE_SECONDS if itself else 2.0


def _member_exits(
    directory: JobDirectory, numbers: Sequence[int], indices: set[int]
) -> Iterator[tuple[int, MemberExit]]:
    try:
        names = set(os.listdir(directory.path / "exit_codes"))  # noqa: PTH208 - a fresh reading
    except OSError:
        return
    for index in sorted(indices):
        if str(numbers[index]) in names and (note := _member_exit(directory, numbers[index])):
            yield index, note


def _member_exit(directory: JobDirectory, number: int) -> MemberExit | None:
    match = _EXIT_TEXT.fullmatch(directory.read_text(f"exit_codes/{number}") or "")
    if match is None:
        return None
    return MemberExit(int(match[1]), match[2] or "", int(match[3] or 0))


def _code(directory: JobDirectory, number: int) -> int | None:
    note = _member_exit(directory, number)
    return note.code if note is not None else None


def _remove_exits(directory: JobDirectory, numbers: Sequence[int]) -> None:
    for number in numbers:
        with contextlib.suppress(OSError):
            (directory.path / "exit_codes" / str(number)).unlink()
