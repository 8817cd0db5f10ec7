"""Many calls of one script, as job arrays with a limit of how many at once."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from .directory import JobDirectory
from .endings import missing_outputs
from .errors import BatchJobError, SchedulerError
from .queries import OLDEST, Queries
from .script import array_text
from .settings import JobSettings
from .submission import submit_once, tag_of

# Slurm's default limit of an array's size.
_MAX_ARRAY: Final = 1000
_LOOK_SECONDS: Final = 1.0
_FIRST_QUESTION: Final = 8.0
_GONE_SECONDS: Final = 30.0


def run_members(
    job: JobDirectory,
    settings: JobSettings,
    workdir: Path,
    members: Sequence[Sequence[str]],
    task: str,
    at_once: int,
    retries: int,
) -> dict[str, Any]:
    """Runs every member, and those that failed again.

    Args:
        job: the array's directory.
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
    _prepare(job, settings, workdir, members)
    job_ids: list[str] = []
    for attempt in range(retries + 1):
        left = [number for number in range(len(members)) if _code(job, number) != 0]
        if attempt:
            for number in left:
                with contextlib.suppress(FileNotFoundError):
                    (job.path / "ended" / str(number)).unlink()
        for first, numbers in _chunks([n for n in left if _code(job, n) is None]):
            job_ids.append(_run_chunk(job, settings, task, attempt, first, numbers, at_once))
    failed = {n: _code(job, n) for n in range(len(members)) if _code(job, n) != 0}
    if failed:
        number, code = next(iter(failed.items()))
        told = f"code {code}" if code is not None else "no exit code: cancelled, or its node lost"
        raise BatchJobError(
            f"{settings.script.name}: {len(failed)} of {len(members)} members failed, the first is "
            f"{number} with {told}; see {job.path / 'members' / f'{number}.err'}"
        )
    missing = missing_outputs(settings, workdir)
    if missing:
        raise BatchJobError(f"{settings.script.name}: outputs missing: {', '.join(missing[:5])}")
    return {
        "members": len(members),
        "job_ids": job_ids,
        "submissions": len(job_ids),
        "directory": str(job.path),
    }


def _prepare(
    job: JobDirectory, settings: JobSettings, workdir: Path, members: Sequence[Sequence[str]]
) -> None:
    lines = []
    for number, arguments in enumerate(members):
        line = shlex.join(str(argument) for argument in arguments)
        if "\n" in line or "\0" in line:
            raise BatchJobError(f"member {number}: an argument with a line break")
        lines.append(line)
    text = "\n".join(lines) + "\n"
    if job.text("members.txt") not in (None, text):
        # Other members than before: what ended then says nothing of these.
        shutil.rmtree(job.path / "ended", ignore_errors=True)
    for name in ("ended", "members"):
        (job.path / name).mkdir(exist_ok=True)
    job.keep("members.txt", text)
    copy = job.path / settings.script.name
    shutil.copyfile(settings.script, copy)
    job.keep("submitted.sh", array_text(settings, job.path, workdir, copy))


def _chunks(numbers: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Yields the first member of each array, and its members counted from there."""
    by_first: dict[int, list[int]] = {}
    for number in numbers:
        by_first.setdefault(number // _MAX_ARRAY * _MAX_ARRAY, []).append(number)
    for first, some in by_first.items():
        yield first, [number - first for number in some]


def _run_chunk(
    job: JobDirectory,
    settings: JobSettings,
    task: str,
    attempt: int,
    first: int,
    numbers: Sequence[int],
    at_once: int,
) -> str:
    part = JobDirectory(job.path / "arrays" / f"{attempt}-{first}")
    shutil.copyfile(job.path / "submitted.sh", part.path / "submitted.sh")
    tag = tag_of(task, part.path, attempt)
    options = [f"--array={ranges(numbers)}%{at_once}"]
    more = {"HEADRACE_FIRST_MEMBER": str(first)}
    job_id = submit_once(part, settings, tag, options, more)
    _wait(job, part, job_id, [first + number for number in numbers])
    return job_id


def _wait(job: JobDirectory, part: JobDirectory, job_id: str, numbers: Sequence[int]) -> None:
    queries, wanted = Queries(), {str(number) for number in numbers}
    interval, asked_at = _FIRST_QUESTION, time.time()
    gone_since: float | None = None
    while wanted - {path.name for path in (job.path / "ended").iterdir()}:
        time.sleep(_LOOK_SECONDS)
        if time.time() - asked_at < interval:
            continue
        try:
            answer = queries.jobs(newer_than=asked_at)
        except SchedulerError:
            asked_at = time.time()
            continue
        if answer is None:
            continue
        asked_at, jobs = answer
        interval = min(2 * interval, OLDEST)
        states = [q.state for q in jobs if q.job_id.partition("_")[0] == job_id]
        open_states = {state for state in states if state in _OPEN}
        part.note_state(",".join(sorted(set(states))) or "GONE")
        if open_states:
            gone_since = None
            continue
        gone_since = gone_since or time.monotonic()
        if time.monotonic() - gone_since > _GONE_SECONDS:
            return


_OPEN: Final = frozenset(
    {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "REQUEUED", "STOPPED"}
)


def _code(job: JobDirectory, number: int) -> int | None:
    try:
        text = (job.path / "ended" / str(number)).read_text().strip()
    except OSError:
        return None
    return int(text) if text.lstrip("-").isdigit() else None


def ranges(numbers: Sequence[int]) -> str:
    """Writes numbers as Slurm does, such as ``0-3,7``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
