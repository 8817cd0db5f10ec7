"""One question for all who wait, wherever its answer can be kept."""

from __future__ import annotations

import errno
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.batch import queue_cache
from headrace.compute.batch.queue_cache import QueueCache
from headrace.compute.scheduler import Job, JobState, Queue, SchedulerError
from tests.support.compute.slurm_double import SlurmDouble, no_answer

QUEUE = Queue((Job("7", JobState.RUNNING, "None", "n1", "c", "x", "/s", restarts=1),), ("", "far"))


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of day, which a test may set."""
    now = [1_000_000.0]
    monkeypatch.setattr(queue_cache.time, "time", lambda: now[0])
    monkeypatch.setattr(queue_cache, "SECONDS_PER_QUERY", 10.0)
    return now


def test_an_answer_is_shared(slurm: SlurmDouble, tmp_path: Path) -> None:
    slurm.on_queue = lambda: QUEUE
    first = QueueCache(slurm, tmp_path).query("", 1.0)
    slurm.on_queue = no_answer  # type: ignore[assignment]
    queue_cache._MEMORY.clear()  # another process
    second = QueueCache(slurm, tmp_path).query("", 1.0)
    assert first is not None
    assert first == second
    assert QueueCache(slurm, tmp_path).query(first.name, 1.0) is None


def test_a_question_that_hangs_keeps_nobody_from_reading(
    slurm: SlurmDouble, tmp_path: Path
) -> None:
    asked, hanging = threading.Event(), threading.Event()

    def hang() -> Any:
        asked.set()
        hanging.wait(120)
        return QUEUE

    slurm.on_queue = hang
    thread = threading.Thread(target=lambda: QueueCache(slurm, tmp_path).query("", 1.0))
    thread.start()
    asked.wait(120)
    assert QueueCache(slurm, tmp_path).query("", 1.0) is None
    assert QueueCache(slurm, tmp_path).query_count() == 1
    hanging.set()
    thread.join()
    assert QueueCache(slurm, tmp_path).query("", 1.0) is not None


def test_a_clock_that_is_set_back_makes_no_answer_new_for_ever(
    slurm: SlurmDouble, tmp_path: Path, clock: list[float]
) -> None:
    slurm.on_queue = lambda: QUEUE
    first = QueueCache(slurm, tmp_path).query("", 1.0)
    assert first is not None
    clock[0] -= 3600
    second = QueueCache(slurm, tmp_path).query(first.name, 60.0)
    assert second is not None
    assert second.name != first.name


def test_a_question_without_an_answer_may_be_asked_again(
    slurm: SlurmDouble, tmp_path: Path
) -> None:
    slurm.on_queue = no_answer  # type: ignore[assignment]
    with pytest.raises(SchedulerError):
        QueueCache(slurm, tmp_path).query("", 1.0)
    slurm.on_queue = lambda: QUEUE
    assert QueueCache(slurm, tmp_path).query("", 1.0) is not None


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EDQUOT])
def test_a_home_without_locks(
    number: int, slurm: SlurmDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, "no locks here")

    monkeypatch.setattr(queue_cache.fcntl, "flock", refuse)
    slurm.on_queue = lambda: QUEUE
    _keeps_its_budget(slurm, tmp_path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_is_full(
    number: int, slurm: SlurmDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **more: Any) -> None:
        raise OSError(number, "nothing can be written")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    slurm.on_queue = lambda: QUEUE
    _keeps_its_budget(slurm, tmp_path)


def _keeps_its_budget(slurm: SlurmDouble, tmp_path: Path) -> None:
    known, answers = "", 0
    for _ in range(20):
        answer = QueueCache(slurm, tmp_path).query(known, 0.0)
        if answer is not None:
            known, answers = answer.name, answers + 1
    assert answers == int(queue_cache.MAX_BURST)


def test_a_file_that_is_damaged_is_no_answer(slurm: SlurmDouble, tmp_path: Path) -> None:
    slurm.on_queue = lambda: QUEUE
    QueueCache(slurm, tmp_path).query("", 1.0)
    for text in ("", "{", "[]", '{"name": "x", "asked": 1000000.0, "jobs": [{"job_id": "7"}]}'):
        for file in tmp_path.glob("*.queue.json"):
            file.write_text(text)
        answer = QueueCache(slurm, tmp_path).query("", 1.0)
        assert answer is not None
        assert answer.queue == QUEUE
