"""Sync levels: whether a file at the destination is up to date."""

from __future__ import annotations

import os
import stat as modes
from typing import Protocol

from headrace.facility.transfer.collection import OpenDirectory
from headrace.facility.transfer.copy import hash_file
from headrace.facility.transfer.errors import transfer_error
from headrace.facility.transfer.request import EXISTS, MTIME, SIZE


class ComparisonProgress(Protocol):
    """Receiver of the comparison's progress."""

    def advance(self, position: int) -> None:
        """Be called with the bytes read so far; may raise to stop."""

    def count_checksummed(self, size: int) -> None:
        """Be called with the bytes that were compared."""


def is_up_to_date(
    source: OpenDirectory,
    name: str,
    destination: OpenDirectory,
    target: str,
    level: int,
    algorithm: str,
    progress: ComparisonProgress,
) -> bool:
    """Return whether a file at the destination is up to date by a sync level.

    Each level asks for what the one before asks for, too. What is no regular file never is.

    Args:
        source: directory of the file.
        name: the file.
        destination: directory of the copy.
        target: the copy.
        level: 0 the copy exists; 1 and has the same size; 2 and is not older, to the nanosecond;
            3 has the same size and checksum, whatever its time.
        algorithm: the checksum's, by ``hashlib``'s name.
        progress: receives the bytes read at level 3.

    Raises:
        TransferError: one of both cannot be read.
    """
    status, copy = source.lstat(name), destination.lstat(target)
    if status is None or copy is None or not modes.S_ISREG(copy.st_mode):
        return False
    if level == EXISTS:
        return True
    if status.st_size != copy.st_size:
        return False
    if level == SIZE:
        return True
    if level == MTIME:
        return copy.st_mtime_ns >= status.st_mtime_ns
    progress.count_checksummed(status.st_size)
    here = _checksum(source, name, algorithm, progress)
    return here == _checksum(destination, target, algorithm, progress)


def _checksum(
    folder: OpenDirectory, name: str, algorithm: str, progress: ComparisonProgress
) -> str:
    fd = folder.open_file(name)
    try:
        # Nothing of the file is under way while it is only compared.
        return hash_file(fd, algorithm, lambda _: progress.advance(0))
    except OSError as error:
        raise transfer_error(error, folder.describe(name)) from error
    finally:
        os.close(fd)
