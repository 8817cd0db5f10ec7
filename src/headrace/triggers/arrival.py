"""An arrival: one complete new thing in a watched directory, and what tells it from another."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Identity:
    """What stays the same while an arrival is written to, and differs once it is replaced.

    Attributes:
        inode: inode number; 0 where the file system does not keep inode numbers.
        born: time of birth in ns since the epoch; 0 where the file system does not tell.
    """

    inode: int
    born: int

    def same(self, other: Identity) -> bool:
        """Tell whether both may be one object: nothing that both know differs."""
        return all(
            not mine or not theirs or mine == theirs
            for mine, theirs in ((self.inode, other.inode), (self.born, other.born))
        )


@dataclass(frozen=True)
class Arrival:
    """One new directory or file in a watched directory.

    Attributes:
        trigger: name of the trigger that watches.
        collection: name of the collection that the watched directory lies in.
        name: name of the directory or file.
        path: path within the collection, with a trailing slash for a directory.
        location: absolute path on this machine.
        generation: 1 for the first arrival at this path, 2 after it was removed or replaced, ...
    """

    trigger: str
    collection: str
    name: str
    path: str
    location: Path
    generation: int = 1


def identify(location: Path, *, inodes: bool = True) -> Identity:
    """Read the identity of a file or directory; a symbolic link is not followed.

    Args:
        location: what to identify.
        inodes: False where inode numbers do not last (see `headrace.triggers.mounts`).

    Returns:
        its identity.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    status = location.lstat()
    if not inodes:
        return Identity(0, 0)
    born = getattr(status, "st_birthtime_ns", 0) or int(getattr(status, "st_birthtime", 0) * 1e9)
    return Identity(status.st_ino, born or _born(location))


# From the Linux user interface, include/uapi/linux/stat.h and fcntl.h.
_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
_STATX_BTIME = 0x800


class _Timestamp(ctypes.Structure):
    _fields_ = (
        ("seconds", ctypes.c_int64),
        ("nanoseconds", ctypes.c_uint32),
        ("reserved", ctypes.c_int32),
    )


class _Statx(ctypes.Structure):
    _fields_ = (
        ("mask", ctypes.c_uint32),
        ("until_times", ctypes.c_uint8 * 60),
        ("accessed", _Timestamp),
        ("born", _Timestamp),
        ("rest", ctypes.c_uint8 * 160),
    )


@cache
def _statx() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "statx", None)


def _born(location: Path) -> int:
    """Time of birth in ns, which Linux tells through statx alone; 0 if nobody knows."""
    call = _statx()
    if call is None:
        return 0
    answer = _Statx()
    failed = call(
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(location),
        ctypes.c_int(_AT_SYMLINK_NOFOLLOW),
        ctypes.c_uint(_STATX_BTIME),
        ctypes.byref(answer),
    )
    if failed or not answer.mask & _STATX_BTIME:
        return 0
    return int(answer.born.seconds) * 1_000_000_000 + int(answer.born.nanoseconds)
