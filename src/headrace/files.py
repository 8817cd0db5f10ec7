"""Files that are whole or not there, and locks: what is written survives a crash, or never was."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600
SHARED = 0o666


def private_directory(path: Path) -> Path:
    """Makes ``path`` where it is missing, readable by its owner only, and returns it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_whole(path: Path, text: str, mode: int = SHARED) -> None:
    """Writes a file: all of it or, after a crash, none of it.

    Args:
        path: the file; what it held before is replaced.
        text: what it shall hold.
        mode: permissions of a new file, less the account's umask.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, in a directory that is made likewise."""
    private_directory(path.parent)
    write_whole(path, text, PRIVATE)


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Gives whether nobody else holds a lock, and holds it meanwhile; a crash lets go of it.

    Args:
        path: the lock's file; made where it is missing, in a directory that is there.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
