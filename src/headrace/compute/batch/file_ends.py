"""Ends of files that may be long."""

from __future__ import annotations

import os
from pathlib import Path


def read_end(path: Path, size: int) -> str:
    """Return the end of a file, at most so many bytes; empty where there is none.

    Args:
        path: the file.
        size: the number of bytes.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - size))
            return stream.read(size).decode("utf-8", "replace")
    except OSError:
        return ""
