"""Sync levels: whether a file at the destination is up to date."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Callable

from headrace.facility.transfer.collection import OpenDirectory
from headrace.facility.transfer.copy import FilePair
from headrace.facility.transfer.request import CHECKSUM, EXISTS, MTIME, SIZE
from headrace.facility.transfer.streaming import hash_file


def looks_up_to_date(pair: FilePair, level: int) -> bool:
    """Return whether a file at the destination is up to date by its existence, size and time.

    Each level asks for what the one before asks for, too. What is no regular file never is.

    Args:
        pair: the file and its copy.
        level: 0 the copy exists; 1 and has the same size; 2 and is not older, to the nanosecond;
            3 has the same size, whatever its time: compare checksums, too.
    """
    status, copy = pair.status, pair.existing
    if copy is None or not modes.S_ISREG(copy.st_mode):
        return False
    if level == EXISTS:
        return True
    if status.st_size != copy.st_size:
        return False
    if level in (SIZE, CHECKSUM):
        return True
    return level == MTIME and copy.st_mtime_ns >= status.st_mtime_ns


def have_same_checksum(pair: FilePair, algorithm: str, tick: Callable[[int], None]) -> bool:
    """Return whether a file and what has its copy's name have the same checksum.

    Args:
        pair: the file and its copy.
        algorithm: the checksum's.
        tick: called after each chunk; may raise to stop.

    Raises:
        TransferError: one of both cannot be read.
    """
    here = _checksum(pair.source, pair.name, pair.status, algorithm, tick)
    existing = pair.existing
    return here == _checksum(pair.destination, pair.target, existing, algorithm, tick)


def _checksum(
    folder: OpenDirectory,
    name: str,
    seen: os.stat_result | None,
    algorithm: str,
    tick: Callable[[int], None],
) -> tuple[str, int]:
    fd, status = folder.open_file(name, seen)
    try:
        # Nothing of the file is under way while it is only compared.
        return hash_file(fd, status.st_size, algorithm, folder.describe(name), lambda _: tick(0))
    finally:
        os.close(fd)
