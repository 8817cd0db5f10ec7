"""Output of a task and the traceback of its failure, in its endpoint's state directory.

::

    output/<task>/stdout        the first part, as it was printed
    output/<task>/stdout.last   of long output: the number of all its bytes on the first line, then
                                the last part
    output/<task>/stderr, stderr.last
    errors/<task>.txt           the traceback
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace._internal.terminal_text import terminal_text

OUTPUT: Final = "output"
ERRORS: Final = "errors"
LAST: Final = ".last"


@dataclass(frozen=True)
class TaskOutput:
    """Output of a task as far as it is kept, as text without control characters for a terminal.

    Attributes:
        stdout: of the function and the programs that it started.
        stderr: likewise.
        traceback: of the exception that the function raised; empty where it raised none.
    """

    stdout: str = ""
    stderr: str = ""
    traceback: str = ""


def read_task_output(state_dir: Path, task_id: str) -> TaskOutput:
    """Return what is kept of a task; nothing where nothing is, or no longer.

    Of long output the middle is missing, and a line there gives the number of its bytes.

    Args:
        state_dir: the endpoint's state directory.
        task_id: the task.

    Raises:
        OSError: a file that is there cannot be read.
    """
    directory = state_dir / OUTPUT / task_id
    return TaskOutput(
        _text(_stream(directory / "stdout")),
        _text(_stream(directory / "stderr")),
        _text(_bytes(state_dir / ERRORS / f"{task_id}.txt")),
    )


def remove_old_output(state_dir: Path, kept: int) -> None:
    """Remove what is kept of all tasks but the newest ``kept``."""
    for entry in _oldest(state_dir / OUTPUT, kept):
        shutil.rmtree(entry, ignore_errors=True)
    for entry in _oldest(state_dir / ERRORS, kept):
        entry.unlink(missing_ok=True)


def _oldest(directory: Path, kept: int) -> Iterator[Path]:
    ages: list[tuple[float, Path]] = []
    with contextlib.suppress(FileNotFoundError):
        for entry in directory.iterdir():
            with contextlib.suppress(FileNotFoundError):
                ages.append((entry.stat().st_mtime, entry))
    ages.sort(reverse=True)
    return (entry for _, entry in ages[kept:])


def _stream(path: Path) -> bytes:
    first, last = _bytes(path), _bytes(path.with_name(path.name + LAST))
    if not last:
        return first
    number, _, text = last.partition(b"\n")
    omitted = int(number) - len(first) - len(text)
    if omitted <= 0:
        return first + text[-omitted:]
    return first + f"\n[... {omitted} bytes are left out ...]\n".encode() + text


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _text(data: bytes) -> str:
    return terminal_text(data.decode("utf-8", "backslashreplace"), multiline=True)
