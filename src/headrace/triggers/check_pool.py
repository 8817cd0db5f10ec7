"""Workers for what decides whether arrivals are complete: a slow one delays no other for long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

# So many are at work at a time; one that has taken so long (s) counts no more among them.
_AT_A_TIME: Final = 4
_SLOW_AFTER: Final = 1.0
# So many at the most, slow ones among them.
_MOST: Final = 64


class CheckPool:
    """Threads that evaluate completeness rules of one trigger.

    Programs of a project are called here. A few are called at a time; one that does not answer
    gives its place to the next, so that many of them have to hang before one that answers waits.

    Args:
        name: of the threads.
    """

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(_MOST, thread_name_prefix=name)
        self._places = threading.Semaphore(_AT_A_TIME)

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        """Have a function called by one of the threads."""
        return self._threads.submit(self._call, work)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads, as `concurrent.futures.Executor.shutdown`."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _call(self, work: Callable[[], Any]) -> Any:
        self._places.acquire()
        given_back = threading.Lock()

        def give_back() -> None:
            if given_back.acquire(blocking=False):
                self._places.release()

        timer = threading.Timer(_SLOW_AFTER, give_back)
        timer.daemon = True
        timer.start()
        try:
            return work()
        finally:
            timer.cancel()
            give_back()
