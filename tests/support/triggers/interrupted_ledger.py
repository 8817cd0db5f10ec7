"""A ledger and workers whose every step may be interrupted, as by a kill or by somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.triggers import Identity, Ledger, Record

if TYPE_CHECKING:
    from tests.support.triggers.watched_world import WatchedWorld


class Killed(BaseException):
    """Stands for SIGKILL: nothing that handles errors may handle it."""


class ImmediateWorkers:
    """Workers that have no threads."""

    def submit_check(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        self.submit_start(work, done)

    def submit_start(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        future: Future[Any] = Future()
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - as an executor keeps it
            future.set_exception(error)
        done(future)

    def is_stopping(self) -> bool:
        return False


class InterruptedLedger(Ledger):
    """A ledger before and after whose every change something may happen."""

    def __init__(self, path: Path, world: WatchedWorld) -> None:
        self._world = world
        super().__init__(path, now=world.time)
        for name in ("record_outcome", "set_moved_to", "finish_afterwards", "set_content"):
            setattr(self.runs, name, self._interrupted(getattr(self.runs, name)))

    def add_root(
        self,
        trigger: str,
        collection: str,
        folder: str,
        root: str,
        skip: Iterable[tuple[str, Identity]] = (),
    ) -> None:
        self._world.between_steps()
        super().add_root(trigger, collection, folder, root, skip)
        self._world.between_steps()

    def record_seen(
        self,
        trigger: str,
        collection: str,
        root: str,
        entries: Iterable[tuple[str, Identity]],
    ) -> list[Record]:
        self._world.between_steps()
        records = super().record_seen(trigger, collection, root, entries)
        self._world.between_steps()
        return records

    def mark_missing(self, ids: Iterable[int]) -> None:
        self._world.between_steps()
        super().mark_missing(ids)
        self._world.between_steps()

    def mark_starting(self, id_: int) -> Record:
        self._world.meanwhile("begin", self.get(id_))
        self._world.attempted(self.get(id_))
        return self._changed(super().mark_starting, id_)

    def mark_started(self, id_: int, run_id: str, *, followed: bool = True) -> Record:
        self._world.meanwhile("answer", self.get(id_))
        return self._changed(partial(super().mark_started, followed=followed), id_, run_id)

    def mark_failed(self, id_: int, reason: str) -> Record:
        return self._changed(super().mark_failed, id_, reason)

    def mark_refused(self, id_: int, reason: str) -> Record:
        return self._changed(super().mark_refused, id_, reason)

    def mark_removed(self, id_: int) -> Record:
        self._world.between_steps()
        record = super().mark_removed(id_)
        self._world.found_gone(record)
        self._world.between_steps()
        return record

    def _interrupted(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def interrupted(*values: Any, **options: Any) -> Any:
            self._world.between_steps()
            answer = change(*values, **options)
            self._world.between_steps()
            return answer

        return interrupted

    def _changed(self, change: Callable[..., Record], *values: Any) -> Record:
        self._world.between_steps()
        record = change(*values)
        self._world.between_steps()
        return record
