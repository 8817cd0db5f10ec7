"""Periodic work: a callable that is run every few seconds until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable


class PeriodicWork:
    """Runs a callable again and again, with a pause before each time, whatever it raises.

    Args:
        work: is run; may return the seconds until the next time, in the place of ``seconds``.
        seconds: pause before the first time, and between the end of one and the next.
        on_error: called with what ``work`` raised, in the same thread; must not raise.
        name: name of the thread.
        wait: waits so many seconds, or until the work is stopped; returns whether it is. For
            tests, which must not wait.
    """

    def __init__(
        self,
        work: Callable[[], float | None],
        seconds: float,
        on_error: Callable[[Exception], None],
        *,
        name: str = "periodic work",
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._work = work
        self._seconds = seconds
        self._on_error = on_error
        self._stopping = threading.Event()
        self._awake = threading.Event()
        self._wait = wait or self._sleep
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    def run(self) -> None:
        """Run the work in the calling thread until it is stopped."""
        pause = self._seconds
        while not self._wait(pause):
            pause = self._seconds
            try:
                pause = self._work() or self._seconds
            except Exception as error:  # noqa: BLE001 - reported, and the work goes on
                self._on_error(error)

    def wake(self) -> None:
        """End the present pause: the work is run at once."""
        self._awake.set()

    def _sleep(self, seconds: float) -> bool:
        self._awake.wait(seconds)
        self._awake.clear()
        return self._stopping.is_set()

    def start(self) -> None:
        """Run the work in a thread of its own. Returns at once."""
        self._thread.start()

    def stop(self, timeout: float | None = 0.0) -> None:
        """Stop, and wait for the thread; what is running ends first.

        Args:
            timeout: seconds to wait at most; for ever where None.
        """
        self._stopping.set()
        self._awake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)
