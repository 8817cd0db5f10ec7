"""Calls in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ..scheduler import SchedulerError

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """A call in a thread of its own, so that a scheduler that hangs holds nobody up.

    Args:
        call: the function to call; a :class:`SchedulerError` counts as no answer.
    """

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="scheduler", daemon=True)
        self._thread.start()

    def done(self, seconds: float = 0.0) -> bool:
        """Wait at most so long, and return whether the call has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> T | None:
        """Return its result; None where there is none, or not yet.

        Raises:
            Exception: whatever the call has raised.
        """
        if self._error is not None:
            raise self._error
        return self._result

    def _work(self) -> None:
        try:
            self._result = self._call()
        except SchedulerError:
            self._result = None
        except BaseException as error:  # noqa: BLE001 - raised where it is asked for
            self._error = error
