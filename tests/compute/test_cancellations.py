"""Cancelled tasks: their jobs are cancelled, whatever goes wrong meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from headrace.compute import Cancellations, cancelling
from headrace.compute.scheduler import Job, JobId, JobState, Queue
from tests.support.waiting import wait_until

TAG = "headrace:{}:0123456789ab"


class FakeScheduler:
    """Stands for Slurm's commands: jobs that are there until they are cancelled."""

    abilities = ()
    title = "Slurm"

    def __init__(self, *tasks: str) -> None:
        self.tasks = dict(enumerate(tasks, 1))
        self.faults: list[Exception] = []

    def missing_commands(self) -> list[str]:
        return []

    def queue(self, clusters: Collection[str]) -> Queue:
        if self.faults:
            raise self.faults.pop()
        jobs = [
            Job(job_id=str(number), state=JobState.RUNNING, tag=TAG.format(task))
            for number, task in self.tasks.items()
        ]
        return Queue(tuple(jobs), tuple(clusters), tuple(clusters))

    def cancel(self, jobs: Collection[JobId]) -> None:
        for job in jobs:
            del self.tasks[int(job.number)]


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> FakeScheduler:
    fake = FakeScheduler("cancelled", "wanted")
    monkeypatch.setattr(cancelling, "known_schedulers", lambda: [fake])
    monkeypatch.setattr(cancelling, "_LOOKUP_PAUSES", (0.0,))
    monkeypatch.setattr(cancelling, "_RETRY_SECONDS", 0.01)
    return fake


@pytest.fixture
def cancellations(tmp_path: Path, scheduler: FakeScheduler) -> Iterator[Cancellations]:
    opened = Cancellations(tmp_path / "cancelled")
    yield opened
    opened.stop()


def test_the_jobs_of_a_task_are_cancelled_and_no_others(
    cancellations: Cancellations, scheduler: FakeScheduler
) -> None:
    cancellations.add("cancelled")
    wait_until(lambda: not cancellations.open(), "the end of the cancellation")
    assert list(scheduler.tasks.values()) == ["wanted"]


def test_an_unforeseen_error_does_not_end_it(
    cancellations: Cancellations, scheduler: FakeScheduler
) -> None:
    scheduler.faults = [OSError("stale file handle"), RuntimeError("not foreseen")]
    cancellations.add("cancelled")
    wait_until(lambda: not cancellations.open(), "the end of the cancellation")
    assert list(scheduler.tasks.values()) == ["wanted"]


def test_it_goes_on_after_it_was_stopped(
    cancellations: Cancellations, scheduler: FakeScheduler
) -> None:
    scheduler.faults = [OSError("stale file handle")] * 1_000_000
    cancellations.add("cancelled")
    wait_until(lambda: len(scheduler.faults) < 1_000_000, "a first question")
    cancellations.stop()
    scheduler.faults = []
    cancellations.resume()
    wait_until(lambda: not cancellations.open(), "the end of the cancellation")


def test_a_file_that_is_being_written_is_no_task(tmp_path: Path) -> None:
    directory = tmp_path / "cancelled"
    directory.mkdir()
    (directory / ".cancelled.0123456789abcdef.tmp").touch()
    assert Cancellations(directory).open() == set()
