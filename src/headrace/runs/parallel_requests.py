"""Requests about many runs, some at once, each thread with clients of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from headrace.project.project import Project
from headrace.project.targets import connect

if TYPE_CHECKING:
    from headrace.hosted import Services

T = TypeVar("T")
R = TypeVar("R")

# The hosted service limits how often one account may ask.
_AT_ONCE: Final = {"local": 8, "globus": 4}
# Items whose answers are waited for before more are taken.
_PART: Final = 200


class ParallelRequests:
    """Sends requests of one kind, some at once.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
    """

    def __init__(self, project: Project, target: str) -> None:
        self._connect = partial(connect, project, target)
        self._threads = _AT_ONCE[target]
        self._own = threading.local()

    def map(self, request: Callable[[Services, T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield what a request returns for each item, in their order.

        Args:
            request: called with the services of a thread and an item; what it raises ends all.
            items: the items; only some of them are taken before their answers are.
        """
        from concurrent.futures import ThreadPoolExecutor

        remaining = iter(items)
        with ThreadPoolExecutor(self._threads, thread_name_prefix="requests") as pool:
            while part := [*islice(remaining, _PART)]:
                yield from pool.map(partial(self._send, request), part)

    def _send(self, request: Callable[[Services, T], R], item: T) -> R:
        if not hasattr(self._own, "services"):
            self._own.services = self._connect()
        return request(self._own.services, item)
