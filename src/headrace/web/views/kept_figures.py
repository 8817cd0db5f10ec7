"""Figures that take long to compute: computed now and then, in the background, and kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar, cast

T = TypeVar("T")

# A figure is computed again after so many times the time that it takes: 3 % of a core.
_REST: Final = 30.0
_SHORTEST_REST: Final = 1.0
_MOST_KEPT: Final = 200


@dataclass(frozen=True)
class KeptFigure(Generic[T]):
    """A figure, and of when it is.

    Attributes:
        value: the figure.
        at: when its computation began, UTC.
    """

    value: T
    at: datetime


@dataclass
class _Entry:
    figure: KeptFigure[Any] | None = None
    error: Exception | None = None
    is_running: bool = False
    due: float = 0.0
    first: threading.Event = field(default_factory=threading.Event)


class KeptFigures:
    """Figures by key, for all requests; any thread may ask.

    Args:
        clock: monotonic time in s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._entries: dict[Hashable, _Entry] = {}

    def get(
        self, key: Hashable, compute: Callable[[], T], seconds: float = 0.05
    ) -> KeptFigure[T] | None:
        """Return a figure as it was computed last, and have one that is old computed again.

        Args:
            key: names it.
            compute: computes it, in a thread of its own.
            seconds: for which the first one is waited for.

        Returns:
            None where the first one is being computed.

        Raises:
            Exception: that of the last computation.
        """
        with self._mutex:
            entry = self._entries.setdefault(key, _Entry())
            if not entry.is_running and self._clock() >= entry.due:
                entry.is_running = True
                self._forget_oldest()
                threading.Thread(
                    target=self._compute, args=(entry, compute), name="figures", daemon=True
                ).start()
        entry.first.wait(seconds)
        with self._mutex:
            if entry.error is not None:
                raise entry.error
            return cast("KeptFigure[T] | None", entry.figure)

    def _compute(self, entry: _Entry, compute: Callable[[], Any]) -> None:
        start, at = self._clock(), datetime.now(UTC)
        figure: KeptFigure[Any] | None = None
        error: Exception | None = None
        try:
            figure = KeptFigure(compute(), at)
        except Exception as raised:  # noqa: BLE001 - raised again where it is asked for
            error = raised
        with self._mutex:
            now = self._clock()
            entry.figure, entry.error = figure or entry.figure, error
            entry.due = now + max(_SHORTEST_REST, _REST * (now - start))
            entry.is_running = False
            entry.first.set()

    def _forget_oldest(self) -> None:
        idle = [key for key, entry in self._entries.items() if not entry.is_running]
        for key in idle[: max(0, len(self._entries) - _MOST_KEPT)]:
            del self._entries[key]
