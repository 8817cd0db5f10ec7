"""The limits at which an engine stops to submit blocks.

Parsl fails every task as soon as all blocks of an executor's life have failed, which the first
loss of the only worker pool is. Here a lost pool costs the task that it ran; those that wait go on
in the next block. An engine stops only where blocks cannot start, or where they die one
after another and nothing is ever done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

# Blocks in a row that never had a worker.
MAX_NEVER_STARTED: Final = 3
# Blocks in a row that were lost while no task ended.
MAX_LOST: Final = 8


class BlockFailureHandler:
    """A Parsl executor's ``block_error_handler``.

    Args:
        finished_tasks: returns how many tasks the executor has finished.
    """

    def __init__(self, finished_tasks: Callable[[], int]) -> None:
        self._finished_tasks = finished_tasks
        self._seen: dict[str, int] = {}

    def __call__(self, executor: Any, status: Mapping[str, Any]) -> None:
        """Fail all tasks where a limit is reached.

        Args:
            executor: whose blocks they are.
            status: state of every block, by its number.
        """
        if executor.bad_state_is_set:
            return
        numbers = sorted(status, key=int)
        failed = {number for number in numbers if _failed(status[number])}
        for number in failed:
            self._seen.setdefault(number, self._finished_tasks())
        if failed.issuperset(numbers[-1:]):
            self._check_limits(executor, status, numbers)

    def _check_limits(self, executor: Any, status: Mapping[str, Any], numbers: list[str]) -> None:
        for limit, counts in (
            (MAX_NEVER_STARTED, self._never_started),
            (MAX_LOST, self._lost_without_progress),
        ):
            last = numbers[-limit:]
            failed = len(last) == limit and all(_failed(status[number]) for number in last)
            if failed and counts(executor, last):
                from parsl.jobs.error_handlers import windowed_error_handler

                windowed_error_handler(executor, {n: status[n] for n in last}, limit)
                return

    def _never_started(self, executor: Any, numbers: list[str]) -> bool:
        return not set(numbers) & set(executor.connected_blocks())

    def _lost_without_progress(self, executor: Any, numbers: list[str]) -> bool:
        del executor
        return len({self._seen[number] for number in numbers}) == 1


def _failed(status: Any) -> bool:
    return status.state.name in ("FAILED", "MISSING")
