"""Identity of a file or directory, which differs from that of one that takes its place."""

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
    """Identity of a file: the same while it is written to, another one once it is replaced.

    Attributes:
        inode: inode number; 0 where the file system does not keep inode numbers.
        born: time of birth in ns since the epoch; 0 where the file system does not report it.
    """

    inode: int
    born: int

    def same(self, other: Identity) -> bool:
        """Tell whether both may be one object: nothing that both know differs."""
        return all(
            not mine or not theirs or mine == theirs
            for mine, theirs in ((self.inode, other.inode), (self.born, other.born))
        )

    def surely_same(self, other: Identity) -> bool:
        """Tell whether both are one object also where they were seen on different file systems."""
        return bool(self.inode and self.born) and self == other


def identify(
    location: str | Path, *, inodes: bool = True, dir_fd: int | None = None, follow: bool = False
) -> Identity:
    """Read the identity of a file or directory.

    Args:
        location: what to identify.
        inodes: False where inode numbers do not last.
        dir_fd: descriptor of the directory that a relative location starts from.
        follow: whether a symbolic link stands for what it points to.

    Returns:
        its identity.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    status = os.stat(location, dir_fd=dir_fd, follow_symlinks=follow)
    if not inodes:
        return Identity(0, 0)
    born = getattr(status, "st_birthtime_ns", 0) or int(getattr(status, "st_birthtime", 0) * 1e9)
    return Identity(status.st_ino, born or _born(os.fsencode(location), dir_fd, follow=follow))


def identify_open(descriptor: int) -> Identity:
    """Read the identity of an open file or directory.

    Args:
        descriptor: its descriptor.

    Raises:
        OSError: it cannot be read.
    """
    status = os.fstat(descriptor)
    born = getattr(status, "st_birthtime_ns", 0) or int(getattr(status, "st_birthtime", 0) * 1e9)
    return Identity(status.st_ino, born or _born(b"", descriptor, empty=True))


# From the Linux user interface, include/uapi/linux/stat.h and fcntl.h.
_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
_AT_EMPTY_PATH = 0x1000
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


def _born(location: bytes, dir_fd: int | None, *, follow: bool = False, empty: bool = False) -> int:
    """Time of birth in ns, which Linux reports through statx alone; 0 if nobody knows."""
    call = _statx()
    if call is None:
        return 0
    flags = (0 if follow else _AT_SYMLINK_NOFOLLOW) | (_AT_EMPTY_PATH if empty else 0)
    answer = _Statx()
    failed = call(
        ctypes.c_int(_AT_FDCWD if dir_fd is None else dir_fd),
        location,
        ctypes.c_int(flags),
        ctypes.c_uint(_STATX_BTIME),
        ctypes.byref(answer),
    )
    if failed or not answer.mask & _STATX_BTIME:
        return 0
    return int(answer.born.seconds) * 1_000_000_000 + int(answer.born.nanoseconds)
