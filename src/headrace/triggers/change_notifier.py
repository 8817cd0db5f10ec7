"""How changes in a watched directory are noticed.

The directory itself is the only truth. It is looked at in intervals, which costs one call of the
system while nothing was added or removed; inotify merely says where to look at once. An event that
is lost, doubled or late therefore changes nothing but the time of the next look.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.triggers.watched_directory import WatchedDirectory

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

# The coarsest clock of a file system in use: FAT counts 2 s.
_GRANULARITY = 2.5


class Listing:
    """Looks at a watched directory, and reads it only when it may have changed.

    A directory's time of change tells that names were added or removed. It is trusted once it has
    been the same for longer than the coarsest clock of a file system ticks.
    """

    def __init__(self) -> None:
        self._stamp: tuple[int, ...] | None = None
        self._stamped_at = 0.0
        self._trusted = False

    def look(
        self, directory: WatchedDirectory, now: float, *, anyway: bool = False
    ) -> dict[str, int] | None:
        """List what may be an arrival.

        Args:
            directory: the watched directory, just opened.
            now: monotonic time in s.
            anyway: read the directory even if it does not seem to have changed.

        Returns:
            inode numbers by name; None if nothing was added or removed since the last look.

        Raises:
            OSError: the directory cannot be read.
        """
        stamp = (*directory.stamp, directory.status.st_mtime_ns)
        if stamp != self._stamp:
            self._stamp, self._stamped_at, self._trusted = stamp, now, False
        elif self._trusted and not anyway:
            return None
        trusted = now - self._stamped_at > _GRANULARITY
        try:
            names = directory.names()
        except BaseException:
            self._stamp = None
            raise
        self._trusted = trusted
        return names


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


def no_inotify(error: Exception) -> str:
    """Say in a few words why the system gives no inotify, and which limit to raise.

    Args:
        error: what starting it raised.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOSPC:
        return "its watches are used up; raise fs.inotify.max_user_watches"
    if number == errno.EMFILE:
        return (
            "its instances, or this process's open files, are used up; raise "
            "fs.inotify.max_user_instances, or `ulimit -n`"
        )
    if number == errno.ENFILE:
        return "the machine's open files are used up; raise fs.file-max"
    words = os.strerror(number) if number else str(error) or type(error).__name__
    return f'{words}; set observer = "poll"'
