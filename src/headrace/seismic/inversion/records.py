"""Records: JSON lines that are only ever added to."""

from __future__ import annotations

import datetime
import getpass
import json
import os
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.seismic.errors import SeismicError


def now() -> str:
    """Return this moment, UTC, to the millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def append_line(path: Path, values: Mapping[str, Any]) -> None:
    """Add a line to a file, whole, and wait until it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(descriptor, (json.dumps(values) + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a file; none where it is not there, and not one that a crash tore."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if isinstance(values, dict):
            found.append(values)
    return found


def read_records(directory: Path, left_out: Collection[str] = ()) -> list[dict[str, Any]]:
    """Read the records of an iteration, in the order of their times.

    Args:
        directory: theirs.
        left_out: stages whose records are not read; a file is named after its stage.
    """
    found = []
    for path in sorted(directory.glob("*.jsonl")) if directory.is_dir() else []:
        if path.name.partition(".")[0] not in left_out:
            found += read_lines(path)
    return sorted(found, key=lambda record: str(record.get("started_at", "")))


def append_history(path: Path, what: str, why: str = "", **about: Any) -> None:
    """Add to the history who did what, when and why.

    Args:
        path: the history.
        what: the command.
        why: the reason given.
        **about: what else there is to say; JSON values.
    """
    who = {"user": _user(), "host": socket.gethostname()}
    append_line(path, {"time": now(), "what": what, **about, "why": why, **who})


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        return str(os.getuid())


@dataclass
class EventCounts:
    """Progress of a stage so far.

    Attributes:
        computed: events whose work was done now.
        found: events whose work was found finished.
        about: what else the record says.
    """

    computed: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)


@contextmanager
def record_stage(
    path: Path, stage: str, evaluation: str = "", cores: int = 1
) -> Iterator[EventCounts]:
    """Record a stage: when, how long, on how many cores, which events, and how it ended.

    Args:
        path: the file of records.
        stage: name of the stage.
        evaluation: what it works on.
        cores: processors that it has.

    Yields:
        Where the stage says what it has done.
    """
    counting = EventCounts()
    started_at, start = now(), time.monotonic()
    error = ""
    try:
        yield counting
    except SeismicError as problem:
        error = str(problem)
        raise
    finally:
        seconds = time.monotonic() - start
        record = {
            "stage": stage,
            "evaluation": evaluation,
            "started_at": started_at,
            "seconds": round(seconds, 3),
            "cores": cores,
            "computed": counting.computed,
            "found": len(counting.found),
            "host": socket.gethostname(),
            "slurm_job_id": os.environ.get("SLURM_JOB_ID"),
            **counting.about,
        }
        append_line(path, record | ({"error": error} if error else {}))
