"""Listeners that are called with every run that ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from headrace.facility.engine.timers import Timers
from headrace.facility.store.runs import RunTable

EndListener = Callable[[str], None]


class EndListeners:
    """Functions that the engine's thread calls with the id of every run that ends.

    Args:
        runs: the runs.
        timers: the timers of the engine's thread, by which a listener that raises is repeated.
        notify: called when a timer was set, so that the thread that waits for them looks again.
    """

    def __init__(self, runs: RunTable, timers: Timers, notify: Callable[[], None]) -> None:
        self._runs = runs
        self._timers = timers
        self._notify = notify
        self._listeners: list[EndListener] = []

    def add(self, listener: EndListener) -> None:
        """Have a function called with the ids of runs."""
        self._listeners.append(listener)

    def notify(self, number: int) -> None:
        """Have all listeners called with the run of a number."""
        for index, listener in enumerate(self._listeners):
            key = ("ended", number, index)
            self._timers.call_after(key, 0.0, partial(self._call, number, listener))
        self._notify()

    def _call(self, number: int, listener: EndListener) -> None:
        run = self._runs.find_by_number(self._runs.reader(), number)
        if run is not None:
            listener(run.id)
