"""Renaming that never writes over something."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

# From the Linux user interface, include/uapi/linux/fcntl.h and fs.h.
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
# Where the system or the file system does not know it.
_UNKNOWN = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP})


def rename_without_replacing(source: Path, target: Path) -> None:
    """Give a file or directory another place on its file system, where nothing lies there.

    Args:
        source: what to rename.
        target: its place and name from then on.

    Raises:
        FileExistsError: something lies there.
        OSError: it cannot be renamed.
    """
    call = _renameat2()
    if call is not None:
        if not call(
            *(ctypes.c_int(_AT_FDCWD), os.fsencode(source)),
            *(ctypes.c_int(_AT_FDCWD), os.fsencode(target), ctypes.c_uint(_RENAME_NOREPLACE)),
        ):
            return
        number = ctypes.get_errno()
        if number not in _UNKNOWN:
            raise OSError(number, os.strerror(number), str(source), None, str(target))
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    if source.is_dir() and not source.is_symlink():
        # A directory replaces an empty directory alone.
        source.rename(target)
        return
    os.link(source, target, follow_symlinks=False)
    source.unlink()


@cache
def _renameat2() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
