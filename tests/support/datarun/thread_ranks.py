"""Ranks that are threads of one process: many of them cost no start, and hosts can be told."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

from headrace.ranks import Ranks


class _World:
    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size, timeout=120)
        self.values: list[Any] = [None] * size
        self.sent: queue.Queue[tuple[int, Any]] = queue.Queue()


class ThreadRanks:
    """One of several ranks."""

    def __init__(self, world: _World, rank: int) -> None:
        self._world = world
        self.rank = rank
        self.size = len(world.values)

    def broadcast(self, value: Any) -> Any:
        return self._gathered(value)[0]

    def gather(self, value: Any) -> list[Any]:
        values = self._gathered(value)
        return values if self.rank == 0 else []

    def _gathered(self, value: Any) -> list[Any]:
        self._world.values[self.rank] = value
        self._world.barrier.wait()
        values = list(self._world.values)
        self._world.barrier.wait()
        return values

    def send(self, value: Any) -> None:
        self._world.sent.put((self.rank, value))

    def receive(self, wait: bool) -> tuple[int, Any] | None:
        try:
            return self._world.sent.get(block=wait, timeout=120)
        except queue.Empty:
            return None

    def wait_for_all(self) -> None:
        self._world.barrier.wait()

    def finish_together(self, outcome: tuple[int, str], seconds: float) -> list[tuple[int, str]]:
        return self._gathered(outcome)

    def abort(self, code: int) -> None:
        self._world.barrier.abort()


def on_ranks(
    size: int, work: Callable[[Ranks], Any], names: Sequence[str] | None = None
) -> list[Any]:
    """What each of several ranks gave, or the error that it raised.

    Args:
        size: how many ranks.
        work: what each does.
        names: of the threads, one a rank.
    """
    world = _World(size)
    results: list[Any] = [None] * size

    def run(rank: int) -> None:
        ranks = ThreadRanks(world, rank)
        try:
            results[rank] = work(ranks)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[rank] = error

    named = names or [f"rank-{rank}" for rank in range(size)]
    threads = [threading.Thread(target=run, args=(r,), name=named[r]) for r in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=240)
    return results
