"""Scaling of an engine's blocks: at once where a task needs one, seldom where there is none.

Used in the host process only: it imports Parsl. Parsl asks every few seconds whether blocks are to
be submitted or given back, and begins with a full pause. It gives a block back by force, and so
loses a task that was sent there after it had looked. Here a task that ends the idleness of an
engine is seen at once, and none is sent to a block that is being given back. With the strategy
`htex_auto_scale` this holds for tasks submitted after the block was chosen, and not for one that is
on its way to the interchange by then: it may reach the block before the block is told to take none,
and is lost with it.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from parsl.jobs.job_status_poller import JobStatusPoller
from parsl.jobs.states import JobState

log = logging.getLogger(__name__)

# Pause while nothing is to do: a dead block, and one that is idle for too long, are seen after it.
IDLE_SECONDS: Final = 5.0
# Blocks that were given back and are still known; Parsl would look through all of them for ever.
_KEPT_BLOCKS = 10


class BlockScaler(JobStatusPoller):  # type: ignore[misc]
    """Parsl's poller of blocks for one engine; `close` gives all blocks back."""

    def __init__(self, **settings: Any) -> None:
        self._wake = threading.Event()
        super().__init__(**settings)

    def add_executors(self, executors: Sequence[Any]) -> None:
        """Scale the blocks of executors from now on."""
        for executor in executors:
            _guard_submissions(executor, self)
        super().add_executors(executors)
        self.wake()

    def wake(self) -> None:
        """Look at once whether blocks are needed."""
        self._wake.set()

    @property
    def closing(self) -> bool:
        """True once all blocks are to be given back."""
        return bool(self._kill_event.is_set())

    def poll(self) -> None:
        """Look once; forget the blocks that were given back long ago."""
        super().poll()
        for executor in self._executors:
            _forget_old_blocks(executor)

    def close(self, timeout: float | None = None) -> None:
        """Give all blocks back, and end."""
        self._kill_event.set()
        self._wake.set()
        super().close(timeout)

    def _wake_up_timer(self) -> None:
        while not self._kill_event.is_set():
            self._wake.clear()
            if self._executors:
                self.make_callback()
            self._wake.wait(self._pause())

    def _pause(self) -> float | None:
        if not self._executors:
            return None
        if any(executor.outstanding() for executor in self._executors):
            return float(self.interval)
        idle = min(IDLE_SECONDS, float(self._strategy.max_idletime) / 2)
        return max(float(self.interval), idle)


def end_all_blocks(executor: Any) -> None:
    """End every block of an executor, whatever it runs."""
    executor.scale_in_facade(len(executor.status_facade), whatever_it_runs=True)


def _guard_submissions(executor: Any, scaler: BlockScaler) -> None:
    """Keep tasks back while blocks are chosen to be given back and are told to take no more."""
    lock = threading.Lock()
    submit, scale_in, cancel = (
        executor.submit_payload,
        executor.scale_in_facade,
        executor.provider.cancel,
    )

    def submit_payload(*args: Any, **kwargs: Any) -> Any:
        with lock:
            idle = not executor.outstanding()
            future = submit(*args, **kwargs)
        if idle:
            scaler.wake()
        return future

    def scale_in_facade(
        number: int, max_idletime: float | None = None, *, whatever_it_runs: bool = False
    ) -> list[str]:
        with lock:
            forced = whatever_it_runs or max_idletime is not None or scaler.closing
            if executor.outstanding() and not forced:
                return []  # a task came after the decision
            return list(scale_in(number, max_idletime) or ())

    def cancel_blocks(jobs: Sequence[Any]) -> Any:
        if not _take_no_task(executor, jobs):
            return cancel(jobs)
        lock.release()  # the scheduler may be slow to answer
        try:
            return cancel(jobs)
        finally:
            lock.acquire()

    executor.submit_payload = submit_payload
    executor.scale_in_facade = scale_in_facade
    executor.provider.cancel = cancel_blocks


def _take_no_task(executor: Any, jobs: Sequence[Any]) -> bool:
    """Return whether every node of these jobs is known, and was told to take no task any more.

    A block that waits for its nodes may start at any time, and take what is submitted.
    """
    held = Counter(
        manager["block_id"] for manager in executor.connected_managers() if not manager["active"]
    )
    nodes = 1 if executor.enable_mpi_mode else executor.provider.nodes_per_block
    return all(held[executor.job_ids_to_block[job]] >= nodes for job in jobs)


def _forget_old_blocks(executor: Any) -> None:
    known = executor._simulated_status
    over = [name for name, status in known.items() if status.state == JobState.SCALED_IN]
    for name in sorted(over, key=int)[:-_KEPT_BLOCKS]:
        job = executor.blocks_to_job_id.pop(name, None)
        for table, key in (
            (executor.job_ids_to_block, job),
            (executor.provider.resources, job),
            (executor._status, name),
            (known, name),
        ):
            table.pop(key, None)
        _remove_files(executor, name)


def _remove_files(executor: Any, block: str) -> None:
    """Remove the script, the output and the logs of a block that ended in order."""
    with suppress(OSError):
        shutil.rmtree(Path(executor.worker_logdir) / f"block-{block}", ignore_errors=True)
        for path in Path(executor.provider.script_dir).glob(f"*.block-{block}.*"):
            path.unlink(missing_ok=True)
