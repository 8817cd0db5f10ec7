"""Files that a member returns: its outputs, its record and its output, complete or not there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .file_trees import copy_file, make_directory, put_in_place, remove, temporary_beside, write_new
from .member import RECORD, RECORDS

_MAX_LOG_BYTES: Final = 1_000_000


@dataclass(frozen=True)
class Printed:
    """The text that a command wrote to one of its streams.

    Attributes:
        name: name of the file that is returned.
        text: the end of it.
        file: the file with all of it, which may become the one that is returned; None where it
            belongs to a job's record.
    """

    name: str
    text: str
    file: str | None = None


def write_returned(
    directory: Path,
    work: Path,
    outputs: Sequence[str],
    record: str,
    printed: Sequence[Printed],
    *,
    links: bool,
) -> None:
    """Make the directory of what a member returns, in one step; what is there is replaced.

    Args:
        directory: the directory.
        work: where the outputs are.
        outputs: their paths.
        record: text of the member's record.
        printed: what it printed.
        links: whether files may have another name there; otherwise outputs are copied, and what
            was printed is moved where nobody writes to it any more: the files belong to whoever
            wanted them then, and no program of the member's changes them.

    Raises:
        OSError: it cannot be written; nothing is changed then.
    """
    made = temporary_beside(str(directory))
    moved: list[tuple[str, str]] = []
    try:
        make_directory(made)
        for name in outputs:
            if name in RECORDS:
                continue  # they are written below
            target = f"{made}/{name}"
            if "/" in name:
                os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
            if not (links and _linked(str((work / name).resolve()), target)):
                copy_file(f"{work}/{name}", target)
        # The manifest, which comes later, knows the content of all of them.
        write_new(f"{made}/{RECORD}", record)
        alike = None if links else _plain_owner(made)
        for one in printed:
            target = f"{made}/{one.name}"
            if one.file is None or not _is_short(one.file):
                write_new(target, one.text[-_MAX_LOG_BYTES:])
            elif alike and _moved(one.file, target, alike):
                moved.append((one.file, target))
            elif not (links and _linked(one.file, target)):
                copy_file(one.file, target)
        put_in_place(made, str(directory))
    except BaseException:
        for file, target in moved:
            with contextlib.suppress(OSError):
                os.rename(target, file)  # noqa: PTH104 - names, not Paths
        remove(made)
        raise


def _is_short(file: str) -> bool:
    try:
        return os.stat(file).st_size <= _MAX_LOG_BYTES  # noqa: PTH116
    except OSError:
        return False


def _linked(file: str, link: str) -> bool:
    """Give a file another name, where the file system has hard links; return whether it has it."""
    try:
        os.link(file, link)
    except OSError:
        return False
    return True


def _plain_owner(directory: str) -> tuple[int, int] | None:
    """Return the user and group of a new file in a directory.

    None where a list of rights there says more, which a file that is moved would not have.
    """
    if sys.platform == "linux":
        # Refused where the directory has none, or its file system knows none.
        with contextlib.suppress(OSError):
            os.getxattr(directory, "system.posix_acl_default")
            return None
    found = os.stat(f"{directory}/{RECORD}")  # noqa: PTH116
    return found.st_uid, found.st_gid


def _moved(file: str, target: str, owner: tuple[int, int]) -> bool:
    """Move a file within its file system, where it is as if made there by this user and group.

    Not where somebody may write to it still.
    """
    lease = getattr(fcntl, "F_SETLEASE", None)
    if lease is None:  # outside Linux
        return False
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            found = os.fstat(descriptor)
            if (found.st_uid, found.st_gid) != owner:
                return False
            # Somebody who opens it meanwhile is noticed by SIGIO otherwise, which ends a process.
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
            # Granted only where no process has the file open for writing.
            fcntl.fcntl(descriptor, lease, fcntl.F_RDLCK)
            fcntl.fcntl(descriptor, lease, fcntl.F_UNLCK)
        finally:
            os.close(descriptor)
        os.rename(file, target)  # noqa: PTH104
    except OSError:
        return False
    return True
