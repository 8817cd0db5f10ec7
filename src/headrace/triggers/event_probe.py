"""Probe of a directory: whether the system reports that a file appears in it."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from pathlib import Path
from typing import Final

from headrace.triggers.changes import Change, ChangeCallback

# As all names of this form it is no arrival, and holds none back.
_PREFIX: Final = ".headrace-probe-"
# An event that has not come within so long (s) will not come.
_TIMEOUT: Final = 2.0
# A probe so old (s) was left by a process that was killed.
_OLD: Final = 3600.0


class EventProbe:
    """Passes reports of changes on, and tells whether a file that it makes is reported.

    Args:
        on_change: called with all other changes.
    """

    def __init__(self, on_change: ChangeCallback) -> None:
        self._on_change = on_change
        self._seen = threading.Event()

    def receive(self, name: str, change: Change) -> None:
        """Take a report of a change."""
        if name.startswith(_PREFIX):
            self._seen.set()
        else:
            self._on_change(name, change)

    def sees_events(self, directory: Path, timeout: float = _TIMEOUT) -> bool | None:
        """Make a file, and wait for its report; it is removed again.

        Args:
            directory: the directory whose changes are received.
            timeout: seconds to wait.

        Returns:
            whether it was reported; None where no file can be made.
        """
        _remove_old(directory)
        file = directory / f"{_PREFIX}{secrets.token_hex(8)}"
        self._seen.clear()
        try:
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except OSError:
            return None
        try:
            return self._seen.wait(timeout)
        finally:
            with contextlib.suppress(OSError):
                file.unlink()


def _remove_old(directory: Path) -> None:
    """Remove probes that were left behind."""
    with contextlib.suppress(OSError):
        for file in directory.glob(f"{_PREFIX}*"):
            if time.time() - file.lstat().st_mtime > _OLD:
                file.unlink()
