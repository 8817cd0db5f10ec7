"""Snapshots of a file or a directory tree, which show whether anything in it has changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from headrace.triggers.ignored_names import is_temporary_name


@dataclass(frozen=True)
class Snapshot:
    """State of a file or directory tree at one time.

    Attributes:
        fingerprint: hash over names, types, sizes, times of change and inodes of all entries;
            empty if the tree changed during the look, and then equal to no other.
        files: number of entries that are no directories.
        size: their bytes.
        unfinished: relative path of an entry with a temporary name, or "".
    """

    fingerprint: bytes
    files: int
    size: int
    unfinished: str = ""

    def equals(self, other: Snapshot) -> bool:
        """Tell whether nothing changed between both snapshots."""
        return bool(self.fingerprint) and self.fingerprint == other.fingerprint


def take_snapshot(
    location: Path, *, ignore: tuple[str, ...] = (), stable_inodes: bool = True
) -> Snapshot:
    """Take a snapshot of a file, or of everything in a directory; links are not followed.

    Args:
        location: the file or directory.
        ignore: shell patterns of names that may stay although they look temporary.
        stable_inodes: whether inode numbers last on this file system.

    Returns:
        the snapshot.

    Raises:
        OSError: the file or directory, or a directory in it, cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    own = location.lstat()
    files = size = 0
    unfinished = ""
    torn = False

    def add(relative: str, status: os.stat_result) -> None:
        digest.update(_line(relative, status, stable_inodes))

    add("", own)
    if not _is_directory(own):
        return Snapshot(digest.digest(), 1, own.st_size)
    waiting = [""]
    while waiting:
        parent = waiting.pop()
        try:
            with os.scandir(location / parent) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            if not parent:
                raise
            torn = True
            continue
        for entry in entries:
            relative = f"{parent}{entry.name}"
            if not unfinished and is_temporary_name(entry.name, ignore):
                unfinished = relative
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                torn = True
                continue
            add(relative, status)
            if _is_directory(status):
                waiting.append(f"{relative}/")
            else:
                files += 1
                size += status.st_size
    return Snapshot(b"" if torn else digest.digest(), files, size, unfinished)


def _is_directory(status: os.stat_result) -> bool:
    return (status.st_mode & 0o170000) == 0o040000


def _line(name: str, status: os.stat_result, stable_inodes: bool) -> bytes:
    inode = status.st_ino if stable_inodes else 0
    line = f"{name}\0{status.st_mode}\0{status.st_size}\0{status.st_mtime_ns}\0{inode}\n"
    return line.encode("utf-8", "surrogateescape")


def take_set_snapshot(files: Iterable[Path], *, stable_inodes: bool = True) -> Snapshot:
    """Take a snapshot of several files; links are not followed.

    Args:
        files: those that are there or may come.
        stable_inodes: whether inode numbers last on this file system.

    Raises:
        OSError: one cannot be looked at.
    """
    digest = hashlib.blake2b(digest_size=16)
    count = size = 0
    for file in files:
        try:
            status = file.lstat()
        except FileNotFoundError:
            continue
        digest.update(_line(file.name, status, stable_inodes))
        count, size = count + 1, size + status.st_size
    return Snapshot(digest.digest(), count, size)
