"""Exit codes that the members of arrays leave in files."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .directory import JobDirectory

_EXIT_TEXT: Final = re.compile(r"([0-9]{1,3})(?: ([A-Za-z0-9]*) ([0-9]+))?\n")


@dataclass(frozen=True)
class MemberExit:
    """Exit code that a member's script left at its end.

    Attributes:
        code: its exit code.
        job: number of the array; empty where an earlier version of headrace wrote it.
        restarts: how often the scheduler had run the member again before.
    """

    code: int
    job: str = ""
    restarts: int = 0


def member_exits(
    directory: JobDirectory, numbers: Sequence[int], indices: set[int]
) -> Iterator[tuple[int, MemberExit]]:
    """Yield what members of an array left, by their indices.

    Args:
        directory: the directory of all arrays.
        numbers: the members' numbers, by index.
        indices: the members that are looked at.
    """
    try:
        names = set(os.listdir(directory.path / "exit_codes"))  # noqa: PTH208 - a fresh reading
    except OSError:
        return
    for index in sorted(indices):
        if str(numbers[index]) in names and (found := member_exit(directory, numbers[index])):
            yield index, found


def member_exit(directory: JobDirectory, number: int) -> MemberExit | None:
    """Return what a member left at its end; None where it left nothing."""
    match = _EXIT_TEXT.fullmatch(directory.read_text(f"exit_codes/{number}") or "")
    if match is None:
        return None
    return MemberExit(int(match[1]), match[2] or "", int(match[3] or 0))


def exit_code(directory: JobDirectory, number: int) -> int | None:
    """Return the exit code that a member left; None where it left none."""
    found = member_exit(directory, number)
    return found.code if found is not None else None


def remove_exits(directory: JobDirectory, numbers: Sequence[int]) -> None:
    """Remove the exit codes that members left."""
    for number in numbers:
        with contextlib.suppress(OSError):
            (directory.path / "exit_codes" / str(number)).unlink()


def remove_records(directory: JobDirectory, numbers: Sequence[int]) -> None:
    """Remove what members have recorded and printed: they are run anew."""
    for number in numbers:
        for ending in ("json", "ended", "out", "err"):
            with contextlib.suppress(OSError):
                (directory.path / "members" / f"{number}.{ending}").unlink()
