"""Waits of batch jobs that do not take minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.compute.batch import (
    job_query,
    outcome,
    previous_job,
    queue_cache,
    submission,
    waiting,
)
from headrace.compute.batch.directory import JobDirectory
from tests.support.compute.slurm_double import SlurmDouble, new_directory


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hundredths of seconds where the product waits seconds, and a cache of the test's own."""
    monkeypatch.setenv("HEADRACE_SCHEDULER_CACHE", str(tmp_path / "cache"))
    for name in ("POLL_SECONDS", "FIRST_QUERY_SECONDS"):
        monkeypatch.setattr(job_query, name, 0.01)
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "UNKNOWN_SECONDS", 0.1)
    monkeypatch.setattr(waiting, "FILE_SECONDS", 0.3)
    monkeypatch.setattr(waiting, "KILLED_FILE_SECONDS", 0.1)
    monkeypatch.setattr(waiting, "REQUEUE_SECONDS", 0.2)
    monkeypatch.setattr(waiting, "FINAL_RECORD_SECONDS", 0.3)
    monkeypatch.setattr(waiting, "_UNDECIDED_SECONDS", 0.05)
    monkeypatch.setattr(job_query, "MAX_AGE_SECONDS", 0.05)
    monkeypatch.setattr(queue_cache, "SECONDS_PER_QUERY", 0.01)
    monkeypatch.setattr(previous_job, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(previous_job, "LOOKUP_PAUSES", (0.01, 0.01))
    monkeypatch.setattr(submission, "LOOKUP_PAUSES", (0.01, 0.01))
    monkeypatch.setattr(submission, "FIRST_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(outcome, "OUTPUT_SECONDS", 0.3)


@pytest.fixture
def slurm() -> SlurmDouble:
    return SlurmDouble()


@pytest.fixture
def directory(tmp_path: Path) -> JobDirectory:
    """The directory of a job that was submitted."""
    return new_directory(tmp_path)
