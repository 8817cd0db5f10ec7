"""Ends of files that may be long."""

from __future__ import annotations

import os
from pathlib import Path


def read_end(path: Path | str, size: int) -> str:
    """Return the end of a file, at most so many bytes; empty where there is none.

    Args:
        path: the file.
        size: the number of bytes.
    """
    try:
        # Most are empty, and all of them are looked at: no stream is made.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            length = os.fstat(descriptor).st_size
            if not length:
                return ""
            return _read(descriptor, max(0, length - size), size).decode("utf-8", "replace")
        finally:
            os.close(descriptor)
    except OSError:
        return ""


def _read(descriptor: int, position: int, size: int) -> bytes:
    """Return so many bytes from a position on, or those that there are."""
    pieces = []
    while size and (piece := os.pread(descriptor, size, position)):
        pieces.append(piece)
        position += len(piece)
        size -= len(piece)
    return b"".join(pieces)
