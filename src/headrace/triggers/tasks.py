"""Tasks of a directory watcher, and the workers that do what may take long."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

# What to do: scan the "directory", write down more "entries", look at an "arrival" (its name),
# "start" a run (its record), "release" a trigger that was held.
Task = tuple[str, str | int]


class BackgroundWorkers(Protocol):
    """Workers that do what may take long; `done` is called in the thread of the watcher."""

    def submit_check(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        """Evaluate completeness rules, beside others."""

    def submit_start(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        """Start a run, one after the other."""

    def is_stopping(self) -> bool:
        """Tell whether nobody waits for the work any more."""
