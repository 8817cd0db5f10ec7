"""Sync levels: whether a file at the destination can stay as it is."""

from __future__ import annotations

import os
import stat as modes
from typing import Protocol

from headrace.facility.transfer.collection import Folder
from headrace.facility.transfer.copy import hash_file
from headrace.facility.transfer.errors import explain
from headrace.facility.transfer.request import EXISTS, MTIME, SIZE


class Listener(Protocol):
    """Who hears how far the comparison is."""

    def advance(self, position: int) -> None:
        """Be called with the bytes read so far; may raise to stop."""

    def checksummed(self, size: int) -> None:
        """Be called with the bytes that were compared."""


def is_up_to_date(
    source: Folder,
    name: str,
    destination: Folder,
    target: str,
    level: int,
    algorithm: str,
    listener: Listener,
) -> bool:
    """Tell whether a sync level finds the file at the destination good enough.

    Each level asks for what the one before asks for, too. What is no regular file never is.

    Args:
        source: directory of the file.
        name: the file.
        destination: directory of the copy.
        target: the copy.
        level: 0 the copy exists; 1 and has the same size; 2 and is not older, to the nanosecond;
            3 has the same size and checksum, whatever its time.
        algorithm: the checksum's, by ``hashlib``'s name.
        listener: hears of the bytes read at level 3.

    Raises:
        TransferError: one of both cannot be read.
    """
    status, copy = source.look(name), destination.look(target)
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
    listener.checksummed(status.st_size)
    here = _checksum(source, name, algorithm, listener)
    return here == _checksum(destination, target, algorithm, listener)


def _checksum(folder: Folder, name: str, algorithm: str, listener: Listener) -> str:
    fd = folder.open_file(name)
    try:
        # Nothing of the file is under way while it is only compared.
        return hash_file(fd, algorithm, lambda _: listener.advance(0))
    except OSError as error:
        raise explain(error, folder.where(name)) from error
    finally:
        os.close(fd)
