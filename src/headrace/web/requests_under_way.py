"""Requests that are being answered, so that what can wait gives way to them."""

from __future__ import annotations

import threading
from types import TracebackType


class RequestsUnderWay:
    """Counts requests from their beginning to their answer, as a context manager for each."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait_for_none(self, seconds: float) -> bool:
        """Wait until no request is under way; return whether that is so.

        Args:
            seconds: how long at most.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._count, seconds)
