"""Digests of files, each computed once for what the file is at that time."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20
# Digests of so many files are computed at a time in this process: more would only move the disk's
# heads, and take the processors from what watches.
_AT_A_TIME = threading.BoundedSemaphore(2)
_Stamp = tuple[int, int, int, int]


class DigestGivenUp(Exception):
    """Nobody waits for the digest any more."""


class FileChanged(Exception):
    """A file was written while its digest was computed."""


class FileDigests:
    """Digests of an arrival's files, kept for as long as a file is the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, str], tuple[_Stamp, str]] = {}

    def digest(self, file: Path, algorithm: str, is_cancelled: Callable[[], bool]) -> str:
        """Return the digest of a file in hexadecimal digits.

        Args:
            file: the file; links are not followed.
            algorithm: a name of `hashlib` or `xxhash`.
            is_cancelled: asked meanwhile whether the answer is of no use any more.

        Raises:
            DigestGivenUp: it is of no use any more.
            FileChanged: the file was written meanwhile.
            OSError: it cannot be read.
        """
        key = (file, algorithm)
        known = self._known.get(key)
        if known is not None and known[0] == stamp_of(os.lstat(file)):
            return known[1]
        with _AT_A_TIME:
            before, found = _compute(file, algorithm, is_cancelled)
        self._known[key] = (before, found)
        return found


def stamp_of(status: os.stat_result) -> _Stamp:
    """Return numbers that differ once a file has been written or replaced."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _compute(file: Path, algorithm: str, is_cancelled: Callable[[], bool]) -> tuple[_Stamp, str]:
    made = _hasher(algorithm)
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123 - of a descriptor
        before = stamp_of(os.fstat(descriptor))
        while chunk := stream.read(_CHUNK):
            if is_cancelled():
                raise DigestGivenUp
            made.update(chunk)
        if stamp_of(os.fstat(descriptor)) != before:
            raise FileChanged(file.name)
    return before, made.hexdigest()


def _hasher(algorithm: str) -> Any:
    if algorithm.startswith("xxh"):
        import xxhash

        return getattr(xxhash, algorithm)()
    return hashlib.new(algorithm, usedforsecurity=False)
