"""Detection of changes in a watched directory: by scans, and earlier by inotify.

The directory itself is the only truth. It is scanned in intervals, which costs one system call
while nothing was added or removed; inotify merely says what to look at without waiting for the
next scan. An event that is lost, doubled or late therefore changes nothing but the time.
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


class DirectoryScanner:
    """Scanner of a watched directory, which reads it only when it may have changed.

    A directory's time of change shows that names were added or removed. It is trusted once it has
    been the same for longer than the coarsest clock of a file system ticks.
    """

    def __init__(self) -> None:
        self._stamp: tuple[int, ...] | None = None
        self._stamped_at = 0.0
        self._trusted = False

    def scan(
        self, directory: WatchedDirectory, now: float, *, force: bool = False
    ) -> dict[str, int] | None:
        """List what may be an arrival.

        Args:
            directory: the watched directory, just opened.
            now: monotonic time in s.
            force: read the directory even if it does not seem to have changed.

        Returns:
            inode numbers by name; None if nothing was added or removed since the last scan.

        Raises:
            OSError: the directory cannot be read.
        """
        stamp = (*directory.stamp, directory.status.st_mtime_ns)
        if stamp != self._stamp:
            self._stamp, self._stamped_at, self._trusted = stamp, now, False
        elif self._trusted and not force:
            return None
        trusted = now - self._stamped_at > _GRANULARITY
        try:
            names = directory.list_names()
        except BaseException:
            self._stamp = None
            raise
        self._trusted = trusted
        return names


class ChangeNotifier:
    """Notifier of changes in one directory: inotify or the system's equivalent, through watchdog.

    Args:
        directory: the directory; what lies deeper is not watched.
        on_change: called, in a thread of its own, with the name that changed and whether it was
            only written to and closed; with the name "" if the directory itself changed.

    Raises:
        OSError: the system has no more watches to give.
    """

    def __init__(self, directory: Path, on_change: Callable[[str, bool], None]) -> None:
        from watchdog import events
        from watchdog.observers import Observer

        watched = os.path.realpath(directory)

        class Handler(events.FileSystemEventHandler):
            def dispatch(self, event: FileSystemEvent) -> None:
                written = event.event_type in (events.EVENT_TYPE_MODIFIED, events.EVENT_TYPE_CLOSED)
                for path in (event.src_path, event.dest_path):
                    parent, _, name = os.fsdecode(path).rpartition("/")
                    if parent == watched:
                        on_change(name, written)
                    elif path and os.fsdecode(path) == watched and not written:
                        on_change("", False)

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


def explain_inotify_error(error: Exception) -> str:
    """Explain why the system gives no inotify, and which limit to raise.

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
    text = os.strerror(number) if number else str(error) or type(error).__name__
    return f'{text}; set observer = "poll"'
