"""Many calls of one script, as job arrays with a limit of how many at once."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..scheduler import (
    CompletionStatus,
    Refusal,
    Scheduler,
    SchedulerError,
    SubmissionRefused,
)
from .array_waiting import MemberEnd, read_ends, wait_for_array
from .cancelling import raise_if_cancelled
from .directory import JobDirectory
from .errors import BatchJobError
from .member_exits import exit_code, remove_exits, remove_records
from .member_outcomes import member_outcome
from .notices import Notices
from .outcome import OUTPUT_SECONDS, JobOutcome, missing_outputs
from .previous_job import settle_previous_job
from .script import array_text
from .settings import JobSettings
from .submission import SubmissionRecord, record_intent, submission_tag, submit_once

_LIMITS_PAUSE: Final = 10.0


@dataclass(frozen=True)
class ArrayTask:
    """A call of :func:`~.run.run_batch_array`.

    Attributes:
        scheduler: the scheduler.
        directory: the directory of all arrays of the call.
        settings: settings of each member.
        workdir: where they run.
        script: the copy of the script that is run.
        task: the task.
        at_once: how many run at the same time at most.
    """

    scheduler: Scheduler
    directory: JobDirectory
    settings: JobSettings
    workdir: Path
    script: Path
    task: str
    at_once: int


def run_members(array: ArrayTask, members: Sequence[Sequence[str]], retries: int) -> dict[str, Any]:
    """Run every member, and those that failed again.

    Args:
        array: the call.
        members: the arguments of each member.
        retries: how often failed ones are submitted again.

    Raises:
        BatchJobError: members failed after all.
    """
    at_once, directory, settings = array.at_once, array.directory, array.settings
    if not members or not isinstance(at_once, int) or at_once < 1:
        raise BatchJobError("an array needs members, and at_once of at least 1")
    lines = _lines(members)
    ended: dict[int, MemberEnd] = {}
    job_ids = _settle_parts(array, ended)
    _prepare(array, lines)
    size = _array_size(array)
    for attempt in range(retries + 1):
        codes = _codes(directory, len(members), ended)
        left = [number for number, code in codes.items() if code != 0]
        if attempt:
            remove_exits(directory, left)
        wanted = [number for number in left if attempt or codes[number] is None]
        job_ids += _run_all(array, lines, wanted, size, ended)
    codes = _codes(directory, len(members), ended)
    failed = {number: code for number, code in codes.items() if code != 0}
    if failed:
        number, code = next(iter(failed.items()))
        end = ended.get(number, MemberEnd())
        ended_with = f"code {code}" if code is not None else f"no exit code: {end}"
        raise BatchJobError.with_status(
            CompletionStatus.FAILED,
            f"{settings.script.name}: {len(failed)} of {len(members)} members failed, the first is "
            f"{number} with {ended_with}; see {directory.path / 'members' / f'{number}.err'}",
        )
    missing = missing_outputs(settings, array.workdir, OUTPUT_SECONDS)
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


def run_members_once(
    array: ArrayTask, members: Sequence[Sequence[str]], wanted: Sequence[int]
) -> dict[int, JobOutcome]:
    """Run some members once, and return how each ended.

    Called again for the same task, it goes on with the arrays that were submitted: a member that
    has ended for it is not run again.

    Args:
        array: the call.
        members: the arguments of each member.
        wanted: the numbers of those that are run.

    Returns:
        The outcomes of those that are wanted, by number.

    Raises:
        BatchJobError: the task was cancelled, or the scheduler refuses the array.
    """
    lines, directory = _lines(members), array.directory
    ended: dict[int, MemberEnd] = {}
    other_task = directory.read_json("array.json").get("task") != array.task
    _settle_parts(array, ended)
    _prepare(array, lines)
    if other_task:
        # Whoever wants them again knows that what they made does not count any more.
        remove_exits(directory, wanted)
    codes = _codes(directory, len(members), ended)
    left = [number for number in wanted if codes[number] is None and number not in ended]
    if left:
        remove_records(directory, left)
        _run_all(array, lines, left, _array_size(array), ended)
        codes = _codes(directory, len(members), ended)
    return {
        number: member_outcome(directory, array.settings, number, codes[number], ended.get(number))
        for number in wanted
    }


def _codes(
    directory: JobDirectory, count: int, ended: Mapping[int, MemberEnd]
) -> dict[int, int | None]:
    codes = {number: exit_code(directory, number) for number in range(count)}
    reported = {number: end.code for number, end in ended.items() if codes[number] is None}
    return {**codes, **reported}


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
        remove_exits(directory, [n for n in range(len(lines)) if exit_code(directory, n) != 0])
    directory.write("members.txt", text)
    directory.write_json("array.json", {"task": array.task, "members": len(lines)})


def _settle_parts(array: ArrayTask, ended: dict[int, MemberEnd]) -> list[str]:
    """Wait for the arrays that an earlier call has left, and return those of this task.

    Args:
        array: the call.
        ended: gets the ends of members that left no exit code.
    """
    job_ids = []
    for path in sorted((array.directory.path / "arrays").glob("*/submission.json")):
        part = JobDirectory(path.parent)
        known = SubmissionRecord.read(part)
        if known is not None and known.task == array.task and known.settled:
            ended.update(read_ends(part))
        if known is None or known.settled:
            continue
        if known.task == array.task and known.job is not None:
            numbers = [int(line.partition(" ")[0]) for line in _part_lines(part)]
            ended.update(_wait(array, part, known, numbers))
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
        try:
            submitted = submit_once(
                array.scheduler,
                part,
                array.settings,
                intent,
                new=True,
                array_size=len(numbers),
                at_once=array.at_once,
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


def _new_part(array: ArrayTask, lines: Sequence[str]) -> tuple[JobDirectory, SubmissionRecord]:
    directory = array.directory.path
    with array.directory.locked():
        known = [int(p.name) for p in (directory / "arrays").iterdir() if p.name.isdigit()]
        # A number is used once: a file system may show what was there before.
        number = max([*known, int(array.directory.read_json("parts.json").get("last", 0))]) + 1
        array.directory.write_json("parts.json", {"last": number})
        part = JobDirectory(directory / "arrays" / f"{number:04d}")
    tag = submission_tag(array.task, part.path, number)
    text = array_text(
        array.scheduler, array.settings, directory, part.path, array.workdir, array.script, tag
    )
    part.write("members.txt", "\n".join(lines) + "\n")
    part.write("submitted.sh", text)
    return part, record_intent(array.scheduler, part, array.settings, tag)


def _array_size(array: ArrayTask) -> int:
    """Return how many members the cluster takes in one array."""
    notices = Notices(array.task, array.directory.path)
    try:
        while True:
            raise_if_cancelled(array.task)
            try:
                size = array.scheduler.limits(array.settings.options).max_array_size
            except SchedulerError as error:
                notices.publish(f"the largest array of the cluster is not known yet: {error}")
                time.sleep(_LIMITS_PAUSE)
                continue
            if size < 1:
                raise BatchJobError("the cluster takes no job arrays: its limit is 0")
            return size
    finally:
        notices.clear()


def _wait(
    array: ArrayTask, part: JobDirectory, submission: SubmissionRecord, numbers: Sequence[int]
) -> dict[int, MemberEnd]:
    return wait_for_array(
        submission.submitted_to(array.scheduler),
        array.directory,
        part,
        submission,
        numbers,
        task=array.task,
        requeue=array.settings.requeue,
    )
