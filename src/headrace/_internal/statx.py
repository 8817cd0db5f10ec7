"""Times of birth of files, which Linux reports through the call statx alone."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

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


def birth_time(
    location: bytes, dir_fd: int | None, *, follow: bool = False, empty: bool = False
) -> int:
    """Return the time of birth of a file or directory in ns since the epoch; 0 if nobody knows.

    Args:
        location: its path.
        dir_fd: descriptor of the directory that a relative path starts from.
        follow: whether a symbolic link stands for what it points to.
        empty: whether the path is empty, and the descriptor is the file itself.
    """
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
