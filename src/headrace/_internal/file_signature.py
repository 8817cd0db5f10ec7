"""Signatures by which a process sees that a file has been written or replaced."""

from __future__ import annotations

from pathlib import Path


def file_signature(path: Path) -> tuple[int, ...]:
    """Return what changes with a file, its time first; empty where there is none.

    Within one tick of the file system's clock a file of the same size may change unseen.

    Args:
        path: the file, or a directory, which changes with its entries.
    """
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino
