"""Arrivals of a trigger that is held: each told once, also where the ledger cannot be written."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from headrace.triggers import TriggerError
from headrace.triggers.delay_queue import DelayQueue
from headrace.triggers.record import Record
from headrace.triggers.start_gate import Held
from headrace.triggers.start_scheduler import StartScheduler
from headrace.triggers.tasks import Task
from tests.support.triggers.launches import Launches
from tests.support.triggers.trigger_watch import make_trigger


class HeldLauncher:
    """A stand-in for the launcher of a trigger that is held, which notes whom it tells why."""

    def __init__(self) -> None:
        self.told: list[list[int]] = []
        self.is_full = False

    def launch(self, *_: Any) -> Held:
        return Held("quiet hours", 1.0)

    def record_waiting(self, trigger: Any, records: list[Record], reason: str) -> None:
        if self.is_full:
            raise TriggerError("the disk is full")
        self.told.append([record.id for record in records])


class LaterWorkers:
    """Workers whose answers come when the test says so."""

    def __init__(self) -> None:
        self.answers: list[Callable[[], None]] = []

    def submit_start(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        def answer() -> None:
            future: Future[Any] = Future()
            future.set_result(work())
            done(future)

        self.answers.append(answer)

    def answer(self) -> None:
        self.answers.pop(0)()


def scheduler(root: Path, failures: list[Task]) -> tuple[Any, Any, Any, Any, list[Record]]:
    world = Launches(make_trigger(root, existing="run"))
    records = [world.arrive(name) for name in ("a", "b", "c")]
    launcher, workers = HeldLauncher(), LaterWorkers()
    queue: DelayQueue[Task] = DelayQueue()
    made = StartScheduler(
        *(world.trigger, launcher, workers, queue),  # type: ignore[arg-type]
        *(lambda *_: None, lambda task, error: failures.append(task), lambda: 0.0),
    )
    made._launcher.now = lambda: world.now  # type: ignore[misc]
    return made, launcher, workers, queue, records


def test_each_of_those_that_wait_is_told_once(tmp_path: Path) -> None:
    starts, launcher, workers, _, records = scheduler(tmp_path, [])
    for record in records[:2]:
        starts.schedule(record)
        starts.enqueue(record.id)
    workers.answer()
    assert launcher.told == [[records[0].id, records[1].id]]
    starts.schedule(records[2])
    starts.enqueue(records[2].id)
    assert launcher.told[1:] == [[records[2].id]]
    starts.release()
    workers.answer()
    assert len(launcher.told) == 2, "nothing new is to be told"


def test_a_full_disk_ends_nothing(tmp_path: Path) -> None:
    failures: list[Task] = []
    starts, launcher, workers, _, records = scheduler(tmp_path, failures)
    launcher.is_full = True
    starts.schedule(records[0])
    starts.enqueue(records[0].id)
    workers.answer()
    assert failures == [("release", "")]
    launcher.is_full = False
    starts.release()
    workers.answer()
    assert launcher.told == [[records[0].id]]


def test_an_arrival_that_was_cancelled_while_the_trigger_was_asked_is_forgotten(
    tmp_path: Path,
) -> None:
    failures: list[Task] = []
    starts, launcher, workers, _, records = scheduler(tmp_path, failures)
    starts.schedule(records[0])
    starts.enqueue(records[0].id)
    starts.cancel(records[0].id)
    workers.answer()
    assert (failures, launcher.told, starts.waiting) == ([], [], 0)
