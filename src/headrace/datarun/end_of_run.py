"""End of a run that is being written, found from the ring items at its segments' ends.

A run has ended when every source that began it has ended it, or when the acquisition wrote an
abnormal end. Needs the standard library alone, and reads no more than the beginning of the first
segment and the end of the last, so that a watcher can ask it often.

Source: ``DataFormat.h`` of NSCLDAQ 11 and 12, and how its event logger closes a run.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headrace.datarun.cli_support import Parser, run_program
from headrace.datarun.errors import DataRunError
from headrace.datarun.segment_ends import Ending, read_ending, started_sources

MARKER = "ENDED"
"""A file of this name says that a run has ended although its last segment does not."""

_SEGMENT = re.compile(r"run-(\d+)-(\d+)\.evt")
_NOT_YET = 1


@dataclass(frozen=True)
class RunEnd:
    """End state of a run.

    Attributes:
        ended: whether it has ended.
        missing: what is missing, as text; "" if it has ended.
        unix_time: when it ended, seconds since 1970-01-01 UTC; None where no item has it.
        abnormal: whether the acquisition wrote an abnormal end.
    """

    ended: bool
    missing: str = ""
    unix_time: int | None = None
    abnormal: bool = False


def list_segments(directory: Path) -> dict[int, Path]:
    """List the segments of a run by their numbers, ``run-NNNN-SS.evt``.

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
    """Return whether a run has ended: no segment is missing, and all sources have ended.

    Args:
        directory: of the run.

    Raises:
        DataRunError: the directory or one of its segments cannot be read.
    """
    segments = list_segments(directory)
    if not segments:
        return RunEnd(False, "a first segment")
    missing = sorted(set(range(max(segments) + 1)) - set(segments))
    if missing:
        return RunEnd(False, f"segment {missing[0]:02d}")
    last = segments[max(segments)]
    started = started_sources(segments[0])
    found = _run_ending(list(segments.values()), len(started))
    if found.abnormal:
        return RunEnd(True, "", found.unix_time, abnormal=True)
    if found.closed and len(found.sources) >= max(len(started), 1):
        return RunEnd(True, "", found.unix_time)
    if (directory / MARKER).exists():
        return RunEnd(True, "", found.unix_time)
    return RunEnd(False, _missing_ends(started, found, last))


def _run_ending(segments: Sequence[Path], sources: int) -> Ending:
    """Join the ends of the last segments, back to the first one that settles the run.

    A segment may have been opened after the end of the run and be empty, and the ends of several
    sources may stand in different segments.
    """
    joined = Ending()
    for path in reversed(segments):
        found = read_ending(path, sources - len(joined.sources))
        joined = found.followed_by(joined)
        if found.has_events and (not joined.closed or len(joined.sources) >= sources):
            break
    return joined


def _missing_ends(started: set[int], found: Ending, last: Path) -> str:
    if not found.closed or not found.sources:
        return f"the end of the run in {last.name}"
    names = ", ".join(str(source) for source in sorted(started - found.sources) if source >= 0)
    which = f"source {names}" if names else f"{len(started) - len(found.sources)} more sources"
    return f"the end of {which} in {last.name}"


def _name(path: Path) -> re.Match[str] | None:
    return _SEGMENT.fullmatch(path.name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program that says whether a run has ended.

    Args:
        arguments: without the program's name; None takes ``sys.argv``.

    Returns:
        0 it has ended, 1 not yet (what is missing goes to stdout), 2 it cannot be determined.
    """
    ended: list[bool] = []
    code = run_program("data_run_ended", lambda: ended.append(_run(arguments)))
    if code:
        return 2
    return 0 if ended[0] else _NOT_YET


def _run(arguments: Sequence[str] | None) -> bool:
    parser = Parser(prog="data_run_ended", description="Check whether a run's files are complete.")
    parser.add_argument("directory", type=Path, metavar="DIR", help="the run's directory")
    options: argparse.Namespace = parser.parse_args(arguments)
    end = run_end(options.directory)
    if end.missing:
        print(end.missing)
    return end.ended
