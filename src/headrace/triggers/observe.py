"""How changes in a watched directory are noticed.

The directory itself is the only truth. It is looked at in intervals, which costs one call of the
system while nothing was added or removed; inotify merely says where to look at once. An event that
is lost, doubled or late therefore changes nothing but the time of the next look.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.triggers.mounts import file_system, has_lasting_inodes, is_remote
from headrace.triggers.names import may_arrive
from headrace.triggers.rule import Trigger
from headrace.triggers.settle import marker_suffix

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

# The coarsest clock of a file system in use: FAT counts 2 s.
_GRANULARITY = 2.5


@dataclass(frozen=True)
class Ground:
    """What is known about a watched directory.

    Attributes:
        root: tells this directory from another that is mounted or made in its place.
        observer: "inotify" or "poll".
        inodes: whether inode numbers last.
    """

    root: str
    observer: str
    inodes: bool


def survey(trigger: Trigger, status: os.stat_result) -> Ground:
    """Find out how a trigger's directory is to be watched.

    Args:
        trigger: the trigger; its observer, unless it is "auto", is taken.
        status: of its directory.

    Returns:
        what was found.
    """
    kind = file_system(trigger.directory)
    observer = trigger.observer
    if observer == "auto":
        observer = "poll" if is_remote(kind) else "inotify"
    inodes = has_lasting_inodes(kind)
    return Ground(f"{kind}:{status.st_ino if inodes else 0}", observer, inodes)


class Listing:
    """Looks at a watched directory, and reads it only when it may have changed.

    A directory's time of change tells that names were added or removed. It is trusted once it has
    been the same for longer than the coarsest clock of a file system ticks.

    Args:
        trigger: whose directory to look at.
    """

    def __init__(self, trigger: Trigger) -> None:
        self._trigger = trigger
        self._stamp: tuple[int, int, int] | None = None
        self._stamped_at = 0.0
        self._trusted = False

    def look(self, now: float, *, anyway: bool = False) -> dict[str, int] | None:
        """List what may be an arrival.

        Args:
            now: monotonic time in s.
            anyway: read the directory even if it does not seem to have changed.

        Returns:
            inode numbers by name; None if nothing was added or removed since the last look.

        Raises:
            OSError: the directory is not there, or cannot be read.
        """
        # Opening makes a network file system ask its server for the time of change.
        folder = os.open(self._trigger.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            status = os.fstat(folder)
            stamp = (status.st_dev, status.st_ino, status.st_mtime_ns)
            if stamp != self._stamp:
                self._stamp, self._stamped_at, self._trusted = stamp, now, False
            elif self._trusted and not anyway:
                return None
            trusted = now - self._stamped_at > _GRANULARITY
            names = self._read(folder)
        except BaseException:
            self._stamp = None
            raise
        finally:
            os.close(folder)
        self._trusted = trusted
        return names

    def _read(self, folder: int) -> dict[str, int]:
        trigger = self._trigger
        names = {}
        with os.scandir(folder) as entries:
            for entry in entries:
                if not may_arrive(entry.name, trigger.pattern, trigger.ignore):
                    continue
                if _is_marker(trigger, entry.name):
                    continue
                right = entry.is_dir if trigger.what == "directory" else entry.is_file
                if right(follow_symlinks=False):
                    names[entry.name] = entry.inode()
        return names


def may_be_arrival(trigger: Trigger, name: str) -> bool:
    """Tell whether one name in the watched directory is an arrival, as `Listing` would list it.

    Args:
        trigger: the trigger.
        name: a name in its directory.

    Returns:
        False too if there is no such thing.

    Raises:
        OSError: the directory cannot be read.
    """
    if not may_arrive(name, trigger.pattern, trigger.ignore) or _is_marker(trigger, name):
        return False
    try:
        mode = (trigger.directory / name).lstat().st_mode
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(mode) if trigger.what == "directory" else stat.S_ISREG(mode)


def _is_marker(trigger: Trigger, name: str) -> bool:
    if trigger.what == "directory" or not trigger.marker:
        return False
    return name.endswith(marker_suffix(trigger.marker))


class Hints:
    """Tells of changes in one directory through watchdog (inotify, or the system's equivalent).

    Args:
        directory: the directory; what lies deeper is not watched.
        changed: called, in a thread of its own, with the name that changed and whether it was only
            written to and closed; with the name "" if the directory itself changed.

    Raises:
        OSError: the system has no more watches to give.
    """

    def __init__(self, directory: Path, changed: Callable[[str, bool], None]) -> None:
        from watchdog import events
        from watchdog.observers import Observer

        watched = os.path.realpath(directory)

        class Handler(events.FileSystemEventHandler):
            def dispatch(self, event: FileSystemEvent) -> None:
                written = event.event_type in (events.EVENT_TYPE_MODIFIED, events.EVENT_TYPE_CLOSED)
                for path in (event.src_path, event.dest_path):
                    parent, _, name = os.fsdecode(path).rpartition("/")
                    if parent == watched:
                        changed(name, written)
                    elif path and os.fsdecode(path) == watched and not written:
                        changed("", False)

        self._observer: BaseObserver = Observer()
        self._observer.schedule(
            Handler(),
            watched,
            recursive=False,
            # Not every write: a file that is written in small steps would keep us busy.
            event_filter=[
                events.FileCreatedEvent,
                events.DirCreatedEvent,
                events.FileMovedEvent,
                events.DirMovedEvent,
                events.FileDeletedEvent,
                events.DirDeletedEvent,
                events.FileClosedEvent,
            ],
        )
        self._observer.start()

    def close(self) -> None:
        """End the thread."""
        self._observer.stop()
        self._observer.join()
