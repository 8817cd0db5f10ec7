"""Detection of changes in a watched directory: by scans, and earlier by inotify.

The directory itself is the only truth. It is scanned in intervals, which costs one system call
while nothing was added or removed; inotify merely says what to look at without waiting for the
next scan. An event that is lost, doubled or late therefore changes nothing but the time.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from headrace.triggers.watched_directory import WatchedDirectory

if sys.platform == "linux":
    from headrace.triggers.inotify_notifier import InotifyNotifier as ChangeNotifier
else:
    from headrace.triggers.watchdog_notifier import WatchdogNotifier as ChangeNotifier

__all__ = ["ChangeNotifier", "DirectoryScanner", "explain_inotify_error"]

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
        self,
        directory: WatchedDirectory,
        now: float,
        *,
        force: bool = False,
        on_parent: Callable[[str], None] = lambda key: None,
    ) -> dict[str, int] | None:
        """List what may be an arrival.

        Args:
            directory: the watched directory, just opened.
            now: monotonic time in s.
            force: read the directory even if it does not seem to have changed.
            on_parent: as of `WatchedDirectory.list_names`.

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
            names = directory.list_names(on_parent)
        except BaseException:
            self._stamp = None
            raise
        self._trusted = trusted
        return names


def explain_inotify_error(error: Exception) -> str:
    """Explain why the system gives no inotify, and which limit to raise.

    Args:
        error: what starting it raised.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOSPC:
        return "its watches are used up; raise fs.inotify.max_user_watches"
    if number == errno.EDQUOT:
        return str(error.args[1])
    if number == errno.EMFILE:
        return (
            "its instances, or this process's open files, are used up; raise "
            "fs.inotify.max_user_instances, or `ulimit -n`"
        )
    if number == errno.ENFILE:
        return "the machine's open files are used up; raise fs.file-max"
    text = os.strerror(number) if number else str(error) or type(error).__name__
    return f'{text}; set observer = "poll"'
