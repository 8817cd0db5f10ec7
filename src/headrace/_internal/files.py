"""Files that are whole or not there, and locks: what is written survives a crash, or never was."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace._internal.atomic import PRIVATE, SHARED
from headrace._internal.atomic import write_atomic as write_whole

__all__ = ["PRIVATE", "SHARED", "only_one", "private_directory", "write_private", "write_whole"]


def private_directory(path: Path) -> Path:
    """Make ``path`` where it is missing, readable by its owner only, and returns it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in a directory that is made likewise."""
    private_directory(path.parent)
    write_whole(path, text, PRIVATE)


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Give whether nobody else holds a lock, and holds it meanwhile; a crash lets go of it.

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


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Hold a lock, after everybody who holds it; a crash lets go of it.

    Args:
        path: the lock's file; made where it is missing, in a directory that is there.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
