"""The notifier of changes where there is no inotify: the system's own means, through watchdog."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.triggers.changes import Change, ChangeCallback, ReportScope

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver


class WatchdogNotifier:
    """Notifier of changes in one directory; what lies deeper is not watched.

    Args:
        directory: the directory.
        on_change: called with each change.

    Raises:
        OSError: the system has no more watches to give.
    """

    def __init__(self, directory: Path, on_change: ChangeCallback) -> None:
        from watchdog import events
        from watchdog.observers import Observer

        watched = os.path.realpath(directory)

        class Handler(events.FileSystemEventHandler):
            def dispatch(self, event: FileSystemEvent) -> None:
                written = event.event_type in (events.EVENT_TYPE_MODIFIED, events.EVENT_TYPE_CLOSED)
                for path in (event.src_path, event.dest_path):
                    parent, _, name = os.fsdecode(path).rpartition("/")
                    if parent == watched:
                        on_change(name, Change.CONTENT if written else Change.ENTRY)
                    elif path and os.fsdecode(path) == watched and not written:
                        on_change("", Change.ENTRY)

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

    def watch(self, name: str, location: Path, scope: ReportScope) -> bool:
        """Report changes in a directory that waits: this notifier cannot."""
        return False

    def watch_parent(self, key: str, location: Path) -> None:
        """Report changes of the entries of a directory in this one: this notifier cannot."""

    def unwatch(self, name: str) -> None:
        """Report no more changes in a directory."""
