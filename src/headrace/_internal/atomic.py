"""The one way to write a file that is whole or not there, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
SHARED: Final = 0o666
# File systems on which a directory cannot be flushed (FUSE, some network ones) say so like this.
_NO_FLUSH: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES})
# The longest name that Linux file systems take, in bytes.
_NAME_BYTES: Final = 255


def write_atomic(path: Path, content: str | bytes, mode: int = SHARED) -> None:
    """Write a file: all of it or, after a crash or a full disk, none of it.

    Several threads and processes may write the same file at once: it holds what one of them wrote.
    When the call returns, the content survives a power cut.

    Args:
        path: the file; what it held before is replaced.
        content: text, written as UTF-8, or bytes.
        mode: permissions of the file, less the account's umask.

    Raises:
        OSError: it cannot be written; the file is as it was, and no temporary file is left.
    """
    data = content.encode() if isinstance(content, str) else content
    with atomic_replacement(path, mode) as temporary, temporary.open("r+b") as stream:
        stream.write(data)


@contextmanager
def atomic_replacement(path: Path, mode: int = SHARED) -> Iterator[Path]:
    """Give a temporary file beside a path, and put it in the path's place at the end of the body.

    Args:
        path: the file to replace; its directory is there.
        mode: permissions of the file, less the account's umask.

    Yields:
        The temporary file, empty; the body may write it, or put another file in its place.

    Raises:
        OSError: it cannot be written; the path is as it was, and no temporary file is left.
    """
    temporary = temporary_beside(path)
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    flush_directory(path.parent)


def flush_directory(directory: Path) -> None:
    """Have what was renamed, made or removed in a directory survive a power cut.

    File systems that cannot flush a directory are left alone.
    """
    try:
        _flush(directory)
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_beside(path: Path) -> Path:
    """Return a new hidden name in the directory of a path, for a file that will take its place."""
    # Random, not the process: its threads write at once, and hosts share a file system.
    ending = f".{secrets.token_hex(8)}.tmp"
    stem = os.fsencode(path.name)[: _NAME_BYTES - 1 - len(ending)]
    return path.with_name(f".{os.fsdecode(stem)}{ending}")
