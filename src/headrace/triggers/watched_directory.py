"""A watched directory, open: whatever is asked meanwhile is asked of one and the same directory.

A path may lead to another directory from one call to the next: a disk is unmounted, another takes
its place. So a scan opens the directory once, and names, identities and the directory's own
identity all come from that descriptor.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headrace._internal.closing import ClosedOnExit
from headrace._internal.file_identity import identify_open
from headrace._internal.mounts import file_system, has_stable_inodes, is_local, is_remote
from headrace.triggers.arrival import Identity, identify
from headrace.triggers.completeness.marker import marked_name
from headrace.triggers.ignored_names import may_be_arrival
from headrace.triggers.trigger import Trigger

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True)
class FilesystemInfo:
    """Identity of a watched directory, and properties of its file system.

    Attributes:
        root: differs from that of another directory mounted or made in its place.
        observer: "inotify" or "poll".
        inodes: whether inode numbers last.
        earlier_root: what an earlier version called it.
        remote: whether others may change it unseen by this machine's kernel.
        uncertain: whether nobody knows if events are reported; it is to be probed.
    """

    root: str
    observer: str
    stable_inodes: bool
    earlier_root: str = ""
    remote: bool = False
    uncertain: bool = False


class WatchedDirectory(ClosedOnExit):
    """The directory of a trigger, open; use it in a ``with`` statement.

    Attributes:
        fd: its descriptor.
        unread: keys of directories in it that could not be read when names were listed, and why.

    Args:
        trigger: the trigger.
        folder: the directory, where it is not the one that the trigger watches now.

    Raises:
        OSError: the directory is not there, or cannot be read.
    """

    def __init__(self, trigger: Trigger, folder: Path | None = None) -> None:
        self._trigger = trigger
        # Opening makes a network file system ask its server for the time of change.
        self.fd = os.open(folder or trigger.directory, _FLAGS)
        self.unread: dict[str, str] = {}
        try:
            self.status = os.fstat(self.fd)
            # Disks number their top directories alike; the time of birth distinguishes them.
            self._which = identify_open(self.fd).born or os.fstatvfs(self.fd).f_fsid
        except BaseException:
            os.close(self.fd)
            raise

    def close(self) -> None:
        """Close the directory."""
        os.close(self.fd)

    @property
    def stamp(self) -> tuple[int, int, int]:
        """Numbers that differ as soon as another directory lies in its place."""
        return self.status.st_dev, self.status.st_ino, self._which

    def probe_filesystem(self) -> FilesystemInfo:
        """Find out which directory it is, and how it is to be watched.

        Returns:
            what was found; the trigger's observer, unless it is "auto", is taken: "inotify", which
            is events and scans together, or "poll".
        """
        kind = file_system(Path(f"/proc/self/fd/{self.fd}"))
        observer, remote = self._trigger.observer, is_remote(kind)
        uncertain = observer == "auto" and not remote and not is_local(kind)
        if observer == "auto":
            observer = "poll" if remote else "inotify"
        elif observer == "both":
            observer = "inotify"
        inodes = has_stable_inodes(kind)
        if not inodes:
            return FilesystemInfo(f"{kind}:0", observer, inodes, f"{kind}:0", remote, uncertain)
        earlier = f"{kind}:{self.status.st_ino}"
        root = f"{earlier}:{self._which}"
        return FilesystemInfo(root, observer, inodes, earlier, remote, uncertain)

    def list_names(self, on_parent: Callable[[str], None] = lambda key: None) -> dict[str, int]:
        """List what may be an arrival: inode numbers by key (`headrace.triggers.entries`).

        Args:
            on_parent: called with the key of each directory between this one and the arrivals,
                just before it is read.
        """
        names: dict[str, int] = {}
        self.unread.clear()
        self._list(self.fd, "", 1, names, on_parent)
        return names

    def _list(
        self,
        descriptor: int,
        above: str,
        level: int,
        names: dict[str, int],
        on_parent: Callable[[str], None],
    ) -> None:
        trigger = self._trigger
        pattern, ignore, regex = trigger.pattern, trigger.ignore, trigger.regex
        parents = []
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if level < trigger.depth:
                    may_hold = may_be_arrival(entry.name, ignore=ignore)
                    if may_hold and entry.is_dir(follow_symlinks=False):
                        parents.append(entry.name)
                    continue
                if not may_be_arrival(entry.name, pattern, ignore, regex):
                    continue
                if marked_name(trigger, entry.name) is not None:
                    continue
                right = entry.is_dir if trigger.what == "directory" else entry.is_file
                if right(follow_symlinks=False):
                    names[f"{above}{entry.name}"] = entry.inode()
        for name in parents:
            key = f"{above}{name}"
            on_parent(key)
            try:
                inner = os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=descriptor)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                self.unread[key] = f"{error.strerror}; what lies in it is taken to be there still"
                continue
            try:
                if os.fstat(inner).st_dev != self.status.st_dev:
                    self.unread[key] = "is another file system; watch it by a trigger of its own"
                    continue
                self._list(inner, f"{key}/", level + 1, names, on_parent)
            except OSError as error:
                self.unread[key] = f"{error.strerror}; what lies in it is taken to be there still"
            finally:
                os.close(inner)

    def identify(self, name: str, *, inodes: bool) -> Identity | None:
        """Read the identity of what has a name, if it may be an arrival.

        Args:
            name: the key of something in the directory.
            inodes: whether inode numbers last here.

        Returns:
            its identity; None if there is no such thing, or it is no arrival.

        Raises:
            OSError: it cannot be looked at.
        """
        trigger = self._trigger
        if not may_be_key(trigger, name):
            return None
        above = name.split("/")[:-1]
        try:
            for level in range(len(above)):
                parent = os.stat(
                    "/".join(above[: level + 1]), dir_fd=self.fd, follow_symlinks=False
                )
                if not stat.S_ISDIR(parent.st_mode):
                    return None
            mode = os.stat(name, dir_fd=self.fd, follow_symlinks=False).st_mode
            right = stat.S_ISDIR(mode) if trigger.what == "directory" else stat.S_ISREG(mode)
            return identify(name, inodes=inodes, dir_fd=self.fd) if right else None
        except (FileNotFoundError, NotADirectoryError):
            return None


def may_be_key(trigger: Trigger, key: str) -> bool:
    """Tell whether something of this key may be an arrival of a trigger, by its names alone.

    Args:
        trigger: the trigger.
        key: its path in the watched directory (`headrace.triggers.entries`).
    """
    *above, last = key.split("/")
    return (
        len(above) == trigger.depth - 1
        and may_be_arrival(last, trigger.pattern, trigger.ignore, trigger.regex)
        and marked_name(trigger, last) is None
        and all(may_be_arrival(name, ignore=trigger.ignore) for name in above)
    )
