"""Atomic replacement of files and directories: all of one or, after a crash, none of it."""

from __future__ import annotations

import contextlib
import errno
import os
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
        publish_file(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def publish_file(temporary: Path, path: Path) -> None:
    """Put a finished temporary file in the place of another, so that it survives a power cut.

    Args:
        temporary: the file, in the directory of the other.
        path: its final name; what is there is replaced.
    """
    flush_file(temporary)
    temporary.replace(path)
    flush_directory(path.parent)


@contextmanager
def directory_replacement(path: Path) -> Iterator[Path]:
    """Give an empty directory beside a path, and put it in the path's place at the end of the body.

    What a body leaves that raises, or that is killed, stays for whoever looks for the reason; the
    next replacement of the path removes it. One process at a time may replace it.

    Args:
        path: the directory to replace; missing ones above it are made.
    """
    import shutil  # brings compressors; nearly everybody who imports this writes files only

    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    shutil.rmtree(path, ignore_errors=True)
    partial.rename(path)
    flush_directory(path.parent)


def flush_directory(directory: Path) -> None:
    """Have what was renamed, made or removed in a directory survive a power cut.

    File systems that cannot flush a directory are left alone.
    """
    try:
        flush_file(directory)
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise


def flush_file(path: Path) -> None:
    """Wait until a file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_beside(path: Path) -> Path:
    """Return a new hidden name in the directory of a path, for a file that will take its place."""
    # Random, not the process: its threads write at once, and hosts share a file system.
    ending = f".{os.urandom(8).hex()}.tmp"
    stem = os.fsencode(path.name)[: _NAME_BYTES - 1 - len(ending)]
    return path.with_name(f".{os.fsdecode(stem)}{ending}")
