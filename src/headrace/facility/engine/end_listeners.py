"""Listeners that are called with every run that ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from headrace.facility.engine.timers import Timers
from headrace.facility.store.run_record import Run

EndListener = Callable[[str], None]


class EndListeners:
    """Functions that the engine's thread calls with the id of every run that ends.

    Args:
        timers: the timers of the engine's thread, by which a listener that raises is repeated.
        notify: called when a timer was set, so that the thread that waits for them looks again.
    """

    def __init__(self, timers: Timers, notify: Callable[[], None]) -> None:
        self._timers = timers
        self._notify = notify
        self._listeners: list[tuple[EndListener, str]] = []

    def add(self, listener: EndListener, request_prefix: str) -> None:
        """Have a function called with the ids of runs.

        Args:
            listener: the function.
            request_prefix: what the names of their requests begin with; empty for all runs.
        """
        self._listeners.append((listener, request_prefix))

    def notify(self, run: Run) -> None:
        """Have the listeners called that wait for such a run."""
        name = run.request_id or ""
        for index, (listener, prefix) in enumerate(self._listeners):
            if name.startswith(prefix):
                key = ("ended", run.number, index)
                self._timers.call_after(key, 0.0, partial(listener, run.id))
                self._notify()
