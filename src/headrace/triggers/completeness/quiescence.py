"""When an arrival is complete: its marker lies there, or it has stopped changing."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from headrace.triggers.ignored_names import is_temporary_name


@dataclass(frozen=True)
class Snapshot:
    """What a file or directory tree looked like at one time.

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
    """Look at a file, or at everything in a directory; links are not followed.

    Args:
        location: the file or directory.
        ignore: shell patterns of names that may stay although they look temporary.
        stable_inodes: whether inode numbers last on this file system.

    Returns:
        the snapshot.

    Raises:
        OSError: the file or directory, or a directory in it, cannot be read.
    """
    told = hashlib.blake2b(digest_size=16)
    own = location.lstat()
    files = size = 0
    unfinished = ""
    torn = False

    def tell(relative: str, status: os.stat_result) -> None:
        inode = status.st_ino if stable_inodes else 0
        line = f"\0{status.st_mode}\0{status.st_size}\0{status.st_mtime_ns}\0{inode}\n"
        told.update(os.fsencode(relative) + line.encode())

    tell("", own)
    if not _is_directory(own):
        return Snapshot(told.digest(), 1, own.st_size)
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
            tell(relative, status)
            if _is_directory(status):
                waiting.append(f"{relative}/")
            else:
                files += 1
                size += status.st_size
    return Snapshot(b"" if torn else told.digest(), files, size, unfinished)


class QuiescenceTracker:
    """Decides from repeated snapshots whether an arrival has stopped changing.

    All times are of the monotonic clock: setting the computer's clock changes nothing.

    Args:
        settle: seconds that must pass without any change.
    """

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._last: Snapshot | None = None
        self._since = 0.0

    @property
    def quiet_at(self) -> float | None:
        """When the arrival will have settled if nothing changes; None before the first look."""
        return None if self._last is None else self._since + self._settle

    @property
    def changed_at(self) -> float:
        """When the arrival was last found changed."""
        return self._since

    @property
    def last_snapshot(self) -> Snapshot | None:
        """The last snapshot."""
        return self._last

    def record_change(self, now: float) -> None:
        """Take note of a change that was reported and not looked at.

        Args:
            now: monotonic time of the report in s.
        """
        self._since = max(self._since, now)

    def update(self, snapshot: Snapshot, started_at: float, finished_at: float) -> bool:
        """Compare a new snapshot with the last one.

        Args:
            snapshot: the new snapshot.
            started_at: monotonic time in s before it was taken.
            finished_at: monotonic time in s after it was taken.

        Returns:
            True if the arrival is complete: it has a file, no temporary name, and was found
            unchanged for at least the settling time.
        """
        if self._last is None or not snapshot.equals(self._last):
            self._last = snapshot
            self._since = max(self._since, finished_at)
            return False
        quiet = started_at - self._since >= self._settle
        return quiet and snapshot.files > 0 and not snapshot.unfinished


def marker_path(location: Path, marker: str, *, directory: bool) -> Path:
    """Say where the marker of an arrival is expected.

    Args:
        location: the arrival.
        marker: the trigger's marker.
        directory: whether the arrival is a directory.

    Returns:
        For a directory, the file of that name in it. For a file, its sibling whose name has the
        marker appended: ``run7.dat`` and ``done`` (or ``.done``) make ``run7.dat.done``.
    """
    if directory:
        return location / marker
    return location.with_name(location.name + marker_suffix(marker))


def marker_suffix(marker: str) -> str:
    """Say what the marker of a file arrival adds to the file's name."""
    return f".{marker.removeprefix('.')}"


def _is_directory(status: os.stat_result) -> bool:
    return (status.st_mode & 0o170000) == 0o040000
