"""Files below a directory, and copies of them, with few calls of the system for each."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Final

from ..batch.file_walk import walk_files

# Larger ones are left to the library, which has the kernel copy them.
_SMALL_BYTES: Final = 1 << 18


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
            shutil.rmtree(temporary, ignore_errors=True)
            _copy_directory(str(source), temporary)
            put_in_place(temporary, str(target))
        else:
            if os.path.isdir(temporary):  # noqa: PTH112
                shutil.rmtree(temporary)
            copy_file(str(source), temporary)
            os.replace(temporary, target)  # noqa: PTH105
    except BaseException:
        remove(temporary)
        raise


def temporary_beside(path: str) -> str:
    """Return the name that a file or directory has until it is finished."""
    parent, name = os.path.split(path)
    return f"{parent}/.{name}.{os.getpid()}.tmp"


def put_in_place(temporary: str, target: str) -> None:
    """Give a directory its name; what has it is removed.

    Raises:
        OSError: it cannot be moved.
    """
    try:
        os.rename(temporary, target)  # noqa: PTH104 - names, not Paths
    except OSError:  # another one is there
        remove(target)
        os.rename(temporary, target)  # noqa: PTH104


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
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
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
