"""``[notify]`` of a project as it is now, for a process that runs for months."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from headrace._internal.file_signature import file_signature
from headrace.config import ProjectError
from headrace.config.notify_table import notify_events
from headrace.notifications.send import destinations
from headrace.project.project import Project, load_project

_LOOK_SECONDS: Final = 10.0


class NotifySettings:
    """Settings that follow ``headrace.toml``; any thread may ask.

    What cannot be read leaves what was read before.

    Args:
        root: the project's root.
        profile: returns the profile that it is read with.
        report: called with one line when the file cannot be read.
        elapsed: a clock that only goes forward, in seconds.

    Raises:
        ProjectError: ``headrace.toml`` cannot be read.
    """

    def __init__(
        self,
        root: Path,
        profile: Callable[[], str | None],
        report: Callable[[str], None],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._profile = profile
        self._report = report
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._project = load_project(root, profile(), "local")
        self._signature = file_signature(self._project.config_file)
        self._next_look = elapsed() + _LOOK_SECONDS
        self._reported = ""
        self._set()

    def project(self) -> Project:
        """Return the project."""
        self._look()
        return self._project

    def table(self) -> Mapping[str, Any]:
        """Return the table ``[notify]``, checked."""
        self._look()
        return self._project.config.notify

    def wants(self, event: str) -> bool:
        """Return whether people are notified of an event: a channel is set, and it is chosen.

        It never waits for a file: whoever asks may be in a transaction.
        """
        return event in self._events

    def look(self) -> None:
        """Read the file again, if it has changed and was not looked at just now."""
        self._look()

    def _look(self) -> None:
        with self._lock:
            if self._elapsed() < self._next_look:
                return
            self._next_look = self._elapsed() + _LOOK_SECONDS
            signature = file_signature(self._project.config_file)
            # A file that is away for a moment, while an editor replaces it, says nothing.
            if not signature or signature == self._signature:
                return
            self._signature = signature
            try:
                self._project = load_project(self._project.root, self._profile(), "local")
            except (ProjectError, OSError) as error:
                if str(error) != self._reported:
                    self._reported = str(error)
                    self._report(f"notifications go on as before: {error}")
                return
            self._reported = ""
            self._set()

    def _set(self) -> None:
        table = self._project.config.notify
        self._events = notify_events(table) if destinations(table) else frozenset[str]()
