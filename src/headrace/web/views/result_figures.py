"""Pictures among the results of a run, on this machine."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace.web.user_files import PICTURES

MOST_FIGURES: Final = 24
"""Pictures that a page shows at most."""

_MOST_ENTRIES: Final = 5_000
_MOST_BYTES: Final = 5_000_000


@dataclass(frozen=True)
class ResultFigure:
    """A picture.

    Attributes:
        path: its path from the directory of the results.
        bytes: its size.
    """

    path: str
    bytes: int


def find_figures(directory: Path) -> tuple[list[ResultFigure], bool]:
    """Return the pictures below a directory, those nearest to its top first, by name.

    Links are not followed, hidden files left out, and so are pictures above 5 MB.

    Args:
        directory: the directory of the results.

    Returns:
        the pictures that are shown, and whether there are more.
    """
    found: list[ResultFigure] = []
    for path, size in _pictures(directory):
        if len(found) == MOST_FIGURES:
            return found, True
        found.append(ResultFigure(path, size))
    return found, False


def _pictures(directory: Path) -> Iterator[tuple[str, int]]:
    waiting, looked_at = deque([(directory, "")]), 0
    while waiting and looked_at < _MOST_ENTRIES:
        folder, inside = waiting.popleft()
        try:
            with os.scandir(folder) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except OSError:
            continue  # gone, or not ours to read: the other pictures are shown
        for entry in entries:
            looked_at += 1
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append((folder / entry.name, f"{inside}{entry.name}/"))
            elif _is_picture(entry):
                size = entry.stat(follow_symlinks=False).st_size
                if 0 < size <= _MOST_BYTES:
                    yield f"{inside}{entry.name}", size


def _is_picture(entry: os.DirEntry[str]) -> bool:
    return (
        os.path.splitext(entry.name)[1].lower() in PICTURES  # noqa: PTH122 - a name alone
        and entry.is_file(follow_symlinks=False)
    )
