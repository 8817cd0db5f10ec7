"""Files below a directory, and copies of them, with few calls of the system for each."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import stat
import sys
import time
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from ..batch.file_walk import walk_files

# Larger ones are left to the library, which has the kernel copy them.
_SMALL_BYTES: Final = 1 << 18
# Of what is unfinished: for its target, by a process of a machine.
_TEMPORARY: Final = re.compile(
    r"\.(?P<name>.+)\.(?P<machine>[0-9a-f]{8})-(?P<pid>[0-9]+)-[0-9a-f]{8}\.tmp", re.DOTALL
)
_LISTED_SECONDS: Final = 60.0


def files_below(directory: Path) -> dict[str, int]:
    """Return the regular files below a directory by their paths, with their sizes.

    The directories are read anew. Symbolic links to files count as those files; links to
    directories are not followed.
    """
    found = {}
    for name, entry in walk_files(str(directory), _ignore):
        with contextlib.suppress(OSError):
            found[name] = entry.stat().st_size
    return found


def _ignore(error: OSError, is_directory: bool) -> None:
    """Count what cannot be read as absent."""


def copy_tree(source: Path, target: Path) -> None:
    """Copy a file or directory, to its name in one step.

    Args:
        source: the file or directory; symbolic links in a directory are copied as links.
        target: its copy; what is there is replaced.

    Raises:
        OSError: it cannot be read or written.
    """
    temporary = temporary_beside(str(target))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            _copy_directory(str(source), temporary)
            put_in_place(temporary, str(target))
        else:
            copy_file(str(source), temporary)
            os.replace(temporary, target)  # noqa: PTH105
    except BaseException:
        remove(temporary)
        raise


def temporary_beside(path: str) -> str:
    """Return a new name for a file or directory, which it has until it is finished."""
    parent, name = os.path.split(path)
    return f"{parent}/.{name}.{_machine()}-{os.getpid()}-{os.urandom(4).hex()}.tmp"


def remove_temporaries(path: str) -> None:
    """Remove what processes that have ended have left of a file or directory, unfinished.

    Those of other machines count as ended. What cannot be removed stays.

    Args:
        path: the file or directory, as :func:`temporary_beside` had it.
    """
    parent, name = os.path.split(path)
    for each in _temporaries_in(parent, time.monotonic() // _LISTED_SECONDS):
        found = _TEMPORARY.fullmatch(each)
        if found is None or found["name"] != name:
            continue
        if found["machine"] != _machine() or not _runs(int(found["pid"])):
            with contextlib.suppress(OSError):
                remove(f"{parent}/{each}")


@lru_cache(64)
def _temporaries_in(directory: str, moment: float) -> tuple[str, ...]:
    """Return names of temporaries; a directory of many members is not listed for each of them."""
    del moment  # after which it is listed anew
    try:
        return tuple(filter(_TEMPORARY.fullmatch, os.listdir(directory)))  # noqa: PTH208
    except OSError:
        return ()


@lru_cache(1)
def _machine() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def put_in_place(temporary: str, target: str) -> None:
    """Give a directory its name; what has it is removed, as far as it can be.

    Raises:
        OSError: it cannot be moved; what has the name keeps it.
    """
    try:
        os.rename(temporary, target)  # noqa: PTH104 - names, not Paths
    except OSError:  # another one is there
        old = temporary_beside(target)
        os.rename(target, old)  # noqa: PTH104
        try:
            os.rename(temporary, target)  # noqa: PTH104
        except OSError:
            os.rename(old, target)  # noqa: PTH104
            raise
        # Somebody may have one of its files open, or have made it read-only.
        with contextlib.suppress(OSError):
            remove(old)


def make_directory(path: str) -> bool:
    """Make a directory and those above it; return whether it was not there.

    Raises:
        OSError: it cannot be made.
    """
    try:
        try:
            os.mkdir(path)  # noqa: PTH102
        except FileNotFoundError:
            make_directory(os.path.dirname(path))  # noqa: PTH120
            os.mkdir(path)  # noqa: PTH102
    except FileExistsError:
        return False
    return True


def _copy_directory(source: str, target: str) -> None:
    os.mkdir(target)  # noqa: PTH102
    with os.scandir(source) as entries:
        for entry in entries:
            copy = f"{target}/{entry.name}"
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), copy)  # noqa: PTH115, PTH211
            elif entry.is_dir():
                _copy_directory(entry.path, copy)
            else:
                copy_file(entry.path, copy)
    shutil.copystat(source, target)


def copy_file(source: str, target: str) -> None:
    """Copy the content, the permissions and the times of a file.

    Raises:
        OSError: it cannot be read or written.
    """
    with contextlib.ExitStack() as opened:
        # A named pipe would be waited for.
        read = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        opened.callback(os.close, read)
        found = os.fstat(read)
        is_plain = stat.S_ISREG(found.st_mode) and not _has_attributes(read)
        if found.st_size > _SMALL_BYTES or not is_plain:
            shutil.copy2(source, target)
            return
        content = _read(read)
        written = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        opened.callback(os.close, written)
        write_all(written, content)
        os.fchmod(written, stat.S_IMODE(found.st_mode))
        os.utime(written, ns=(found.st_atime_ns, found.st_mtime_ns))


def _has_attributes(descriptor: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        return bool(os.listxattr(descriptor))
    except OSError:  # the file system has none
        return False


def _read(descriptor: int) -> bytes:
    pieces = []
    while piece := os.read(descriptor, 2 * _SMALL_BYTES):
        pieces.append(piece)
    return b"".join(pieces)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of some bytes to a descriptor.

    Raises:
        OSError: they cannot be written.
    """
    while data:
        data = data[os.write(descriptor, data) :]


def write_new(path: Path | str, text: str) -> None:
    """Write a file that nobody reads before it is finished.

    Args:
        path: the file; what is there is replaced.
        text: its content, with ends of lines as they are.

    Raises:
        OSError: it cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o666)
    except FileExistsError:
        # It may be another name of a file that is somebody else's.
        os.unlink(path)  # noqa: PTH108
        descriptor = os.open(path, flags, 0o666)
    try:
        write_all(descriptor, text.encode())
    finally:
        os.close(descriptor)


def remove(path: str) -> None:
    """Remove a file or directory, where it is there."""
    if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108
