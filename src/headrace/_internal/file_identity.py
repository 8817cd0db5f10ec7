"""Identity of a file or directory, which differs from that of one that takes its place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


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
    if born := _born(status):
        return Identity(status.st_ino, born)
    from headrace._internal.statx import birth_time

    return Identity(status.st_ino, birth_time(os.fsencode(location), dir_fd, follow=follow))


def identify_open(descriptor: int) -> Identity:
    """Read the identity of an open file or directory.

    Args:
        descriptor: its descriptor.

    Raises:
        OSError: it cannot be read.
    """
    status = os.fstat(descriptor)
    if born := _born(status):
        return Identity(status.st_ino, born)
    from headrace._internal.statx import birth_time

    return Identity(status.st_ino, birth_time(b"", descriptor, empty=True))


def _born(status: os.stat_result) -> int:
    """Return the time of birth in ns where `os.stat` reports it, as on macOS; 0 elsewhere."""
    return getattr(status, "st_birthtime_ns", 0) or int(getattr(status, "st_birthtime", 0) * 1e9)
