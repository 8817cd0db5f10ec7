"""Last lines of a log, without reading all of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_MOST_BYTES: Final = 65_536
_LONGEST_LINE: Final = 2_000


def last_lines(path: Path, lines: int) -> list[str]:
    """Return the last lines of a file: those of its last 64 KiB, and the first 2,000 letters each.

    Args:
        path: the file.
        lines: how many at most.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _MOST_BYTES))
        found = stream.read(_MOST_BYTES).decode(errors="replace").splitlines()
    return [line[:_LONGEST_LINE] for line in found[-lines:]]
