"""Callbacks of the engine's thread, repeated until they succeed."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from headrace._internal.backoff import backoff_seconds
from headrace.facility.engine.timers import Timers
from headrace.facility.store.database import Store
from headrace.facility.supervision import Health, describe

logger = logging.getLogger(__name__)

Effect = Callable[[], Any]

# Pauses before what failed is tried again: each twice the one before.
_MIN_PAUSE: Final = 0.5
_MAX_PAUSE: Final = 60.0


class EffectRunner:
    """Runs callbacks; one that raises is repeated after longer and longer pauses.

    Args:
        timers: the timers by which a callback is repeated.
        store: the store, to which its errors are reported.
        health: where callbacks that fail are reported.
        notify: called when a timer was set, so that the thread that waits for them looks again.
    """

    def __init__(
        self, timers: Timers, store: Store, health: Health, notify: Callable[[], None]
    ) -> None:
        self._timers = timers
        self._store = store
        self._health = health
        self._notify = notify
        self._count = 0
        # How often in a row a callback failed, by its key.
        self._failures: dict[Any, int] = {}

    def run_all(self, effects: Sequence[Effect]) -> None:
        """Run the effects of a committed transaction, in order."""
        for effect in effects:
            self._count += 1
            self.run(("effect", self._count), effect)

    def run(self, key: Any, callback: Effect) -> None:
        """Run one callback.

        Args:
            key: name of the callback and of the timer by which it is repeated.
            callback: what to run.
        """
        try:
            callback()
        except Exception as error:
            if isinstance(error, sqlite3.Error):
                self._store.report_fault(error)
            attempts = self._failures[key] = self._failures.get(key, 0) + 1
            if attempts & (attempts - 1) == 0:
                logger.exception("%s, tried %d times", key, attempts)
            self._health.report(f"task {key}", f"tried {attempts} times: {describe(error)}")
            if key not in self._timers:
                pause = backoff_seconds(attempts - 1, _MIN_PAUSE, _MAX_PAUSE)
                self._timers.call_after(key, pause, callback)
                self._notify()
        else:
            if self._failures.pop(key, 0):
                self._health.clear(f"task {key}")
