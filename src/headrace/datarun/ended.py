"""Whether a run that is being written has ended: told by the last ring items of its last segment.

Needs the standard library alone, and reads no more than the end of one file, so that a watcher can
ask it often. Source: the NSCLDAQ 11 and 12 ring item formats.
"""

from __future__ import annotations

import argparse
import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headrace.datarun.errors import DataRunError
from headrace.datarun.programs import Parser, guarded

MARKER = "ENDED"
"""A file of this name says that a run has ended although its last segment does not."""

_SEGMENT = re.compile(r"run-(\d+)-(\d+)\.evt")
_WORD = struct.Struct("<I")
_WORDS = struct.Struct("<II")
_STATE = struct.Struct("<4I")
_ENDS = (2, 5)  # end of run, abnormal end
_PHYSICS_EVENT = 30
_LARGEST_TYPE = 0xFFFF
# Behind the end of run stand at most the ends of other sources, scalers and the like.
_TAIL = 1 << 16
_NOT_YET = 1


@dataclass(frozen=True)
class RunEnd:
    """How a run stands.

    Attributes:
        ended: whether it has ended.
        lack: what is missing, in words; "" if it has ended.
        unix_time: when it ended, seconds since 1970-01-01 UTC; None where no item tells.
    """

    ended: bool
    lack: str = ""
    unix_time: int | None = None


def segments_of(directory: Path) -> dict[int, Path]:
    """The segments of a run by their numbers, ``run-NNNN-SS.evt``.

    Args:
        directory: of the run.

    Returns:
        Number to file, in order.

    Raises:
        DataRunError: the directory cannot be read, or holds segments of different runs.
    """
    try:
        named = [(match, path) for path in directory.iterdir() if (match := _name(path))]
    except OSError as error:
        raise DataRunError(f"{directory}: {error.strerror}; give the directory of a run") from error
    runs = sorted({int(match[1]) for match, _ in named})
    if len(runs) > 1:
        raise DataRunError(
            f"{directory}: segments of runs {', '.join(map(str, runs))}; keep each in its own "
            "directory"
        )
    found = {int(match[2]): path for match, path in named}
    return dict(sorted(found.items()))


def run_end(directory: Path) -> RunEnd:
    """Tells whether a run has ended: no segment is missing, and the last one says so.

    Args:
        directory: of the run.

    Raises:
        DataRunError: the directory or its last segment cannot be read.
    """
    segments = segments_of(directory)
    if not segments:
        return RunEnd(False, "a first segment")
    missing = sorted(set(range(max(segments) + 1)) - set(segments))
    if missing:
        return RunEnd(False, f"segment {missing[0]:02d}")
    last = segments[max(segments)]
    unix_time = end_of_run(last)
    if unix_time is None and not (directory / MARKER).exists():
        return RunEnd(False, f"the end of the run in {last.name}")
    return RunEnd(True, "", unix_time)


def end_of_run(path: Path) -> int | None:
    """When the run ended by the last items of a segment.

    Args:
        path: the segment.

    Returns:
        Seconds since 1970-01-01 UTC; None if the segment does not end with the end of the run.

    Raises:
        DataRunError: the segment cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL)
    except OSError as error:
        raise DataRunError(f"{path}: {error.strerror}; check the file") from error
    # Where an item begins is not known: an end of run counts if the items behind it lead to the
    # file's end, and none of them is an event, which another source would still be writing.
    for kind in _ENDS:
        found = tail.find(_WORD.pack(kind))
        while found >= 0:
            if found >= 4 and _leads_to_end(tail, found - 4):
                return _unix_time(tail, found - 4)
            found = tail.find(_WORD.pack(kind), found + 1)
    return None


def _leads_to_end(tail: bytes, at: int) -> bool:
    first = at
    while at < len(tail):
        if len(tail) - at < _WORDS.size:
            return False
        size, kind = _WORDS.unpack_from(tail, at)
        smallest = _WORDS.size + 4 + (_STATE.size if at == first else 0)
        if size < smallest or not 0 < kind <= _LARGEST_TYPE or kind == _PHYSICS_EVENT:
            return False
        at += size
    return at == len(tail)


def _unix_time(tail: bytes, at: int) -> int:
    body = at + _WORDS.size
    header = _WORD.unpack_from(tail, body)[0]
    body += max(header, 4)
    return int(_STATE.unpack_from(tail, body)[2]) if body + _STATE.size <= len(tail) else 0


def _name(path: Path) -> re.Match[str] | None:
    return _SEGMENT.fullmatch(path.name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program that says whether a run has ended.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 it has ended, 1 not yet (what is missing goes to stdout), 2 it cannot be told.
    """
    ended: list[bool] = []
    code = guarded("run_ended", lambda: ended.append(_told(arguments)))
    if code:
        return 2
    return 0 if ended[0] else _NOT_YET


def _told(arguments: Sequence[str] | None) -> bool:
    parser = Parser(prog="run_ended", description="Tell whether a run's files are complete.")
    parser.add_argument("directory", type=Path, metavar="DIR", help="the run's directory")
    options: argparse.Namespace = parser.parse_args(arguments)
    end = run_end(options.directory)
    if end.lack:
        print(end.lack)
    return end.ended
