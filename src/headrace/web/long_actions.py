"""Actions that take longer than a browser waits: they go on, and the record has their outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from typing import Final

from headrace.web.errors import WebError
from headrace.web.outcome import Done

_ANSWER_SECONDS: Final = 1.5


class LongActions:
    """Actions under way, of which a thing has one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, str] = {}

    def begin(
        self,
        thing: str,
        doing: str,
        work: Callable[[], Done],
        *,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> Done:
        """Begin an action, and return its outcome, or that it goes on.

        Args:
            thing: what is changed; another action on it is refused meanwhile.
            doing: what is being done, in words, such as ``endpoint hpc is being stopped``.
            work: does it; raises HeadraceError where it cannot be done.
            answer_seconds: how long the outcome is waited for before the answer is that it goes on.

        Raises:
            WebError: another action on the thing goes on.
            HeadraceError: it has failed within the time.
        """
        with self._lock:
            if thing in self._open:
                raise WebError(f"{self._open[thing]}: wait until that is done")
            self._open[thing] = doing
        outcome: Future[Done] = Future()

        def run() -> None:
            try:
                with self._closing(thing):
                    done = work()
            except BaseException as error:  # noqa: BLE001 - it is told where the outcome is read
                outcome.set_exception(error)
            else:
                outcome.set_result(done)

        # The server's end does not wait for it: what was asked of a service goes on there.
        threading.Thread(target=run, name="long action", daemon=True).start()
        try:
            return outcome.result(answer_seconds)
        except NotYet:
            if outcome.done():
                return outcome.result()
            return Done(doing, later=outcome)

    @contextmanager
    def _closing(self, thing: str) -> Iterator[None]:
        try:
            yield
        finally:
            with self._lock:
                del self._open[thing]
