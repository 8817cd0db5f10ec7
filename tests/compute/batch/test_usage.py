"""What a job used: its processors, its start and end, and their product."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.attempts.record import Attempt, total_core_hours
from headrace.compute.batch import run_batch_job
from headrace.compute.batch.directory import ExitRecord, JobDirectory
from headrace.compute.batch.outcome import JobOutcome, determine_outcome
from headrace.compute.batch.script import job_text
from headrace.compute.batch.settings import JobSettings
from headrace.compute.batch.usage import count_cores
from headrace.compute.batch.waiting import JobEnd
from headrace.compute.scheduler import Job, JobId, JobState
from headrace.compute.scheduler.slurm import Slurm

TAG = "headrace:task:0123456789ab"
STARTED = "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("4", 4),
        ("72(x2),36", 180),
        ("2(x1)", 2),
        ("16(x3),8(x2),1", 65),
        ("0", None),
        ("", None),
        ("many", None),
        ("4,", None),
    ],
)
def test_processors_by_node_as_slurm_writes_them(text: str, cores: int | None) -> None:
    assert count_cores(text) == cores


def settings_of(path: Path, text: str = "true", **more: Any) -> JobSettings:
    script = path / "work.sbatch"
    script.write_text(f"#!/bin/bash\n{text}\n")
    return JobSettings(script, **more)


@pytest.fixture
def directory(tmp_path: Path) -> JobDirectory:
    directory = JobDirectory(tmp_path / "w" / "job")
    directory.write_json("submission.json", {"tag": TAG})
    return directory


def outcome_of(
    directory: JobDirectory, settings: JobSettings, state: JobState, code: int | None = None
) -> JobOutcome:
    exit_record = None if code is None else ExitRecord("7", 0, code)
    end = JobEnd(JobId("7"), exit_record, Job("7", state))
    return determine_outcome(directory, settings, directory.path.parent, end)


@pytest.mark.parametrize(
    ("environment", "cores"),
    [({"SLURM_JOB_CPUS_PER_NODE": "16(x2),8", "SLURM_CPUS_ON_NODE": "16"}, 40), ({}, 6)],
)
def test_the_script_of_a_job_records_its_processors_and_its_end(
    tmp_path: Path, directory: JobDirectory, environment: dict[str, str], cores: int
) -> None:
    """Where the scheduler does not say how many there are, they are what was asked for."""
    settings = settings_of(tmp_path, "exit 3", ntasks=3, cpus_per_task=2)
    work = tmp_path / "w"
    text = job_text(Slurm(), settings, directory.path, work, settings.script, TAG)
    environment = {"SLURM_JOB_ID": "7", "PATH": "/usr/bin:/bin", **environment}
    subprocess.run(["bash", "-c", text], env=environment, check=False)
    found = outcome_of(directory, settings, JobState.FAILED, 3)
    assert found.cores == cores
    assert "" < found.started_at <= found.ended_at
    assert found.core_hours is not None


def test_core_hours_are_processors_times_elapsed_time(
    tmp_path: Path, directory: JobDirectory
) -> None:
    host = {"job_id": "7", "started_at": STARTED, "cores": "8(x2)"}
    directory.write_json("host.json", host)
    directory.write("ended_at", "7.0 2026-03-01T13:30:00Z\n")
    found = outcome_of(directory, settings_of(tmp_path), JobState.COMPLETED, 0)
    assert (found.cores, found.core_hours) == (16, 24.0)
    assert found.ended_at == "2026-03-01T13:30:00.000Z"
    assert JobOutcome.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_a_job_that_was_killed_used_no_more_than_its_time_limit(
    tmp_path: Path, directory: JobDirectory
) -> None:
    """It left no end, and nobody may have looked for days."""
    directory.write_json("host.json", {"job_id": "7", "started_at": STARTED, "cores": "4"})
    # Of the job before it was run again.
    directory.write("ended_at", "6.0 2026-03-01T12:00:01Z\n")
    settings = settings_of(tmp_path, walltime="02:00:00")
    found = outcome_of(directory, settings, JobState.TIMEOUT)
    assert (found.core_hours, found.ended_at) == (8.0, "2026-03-01T14:00:00.000Z")


@pytest.mark.parametrize(
    ("host", "state"),
    [
        ({}, JobState.CANCELLED),
        ({"job_id": "6", "started_at": STARTED, "cores": "4"}, JobState.CANCELLED),
        ({"job_id": "7", "cores": "4"}, JobState.FAILED),
        ({"job_id": "7", "started_at": STARTED, "cores": "4"}, JobState.UNKNOWN),
    ],
    ids=["never started", "another job's record", "no start", "lost"],
)
def test_what_is_not_known_is_not_told(
    tmp_path: Path, directory: JobDirectory, host: dict[str, str], state: JobState
) -> None:
    directory.write_json("host.json", host)
    assert outcome_of(directory, settings_of(tmp_path), state).core_hours is None


def test_in_an_allocation_a_job_has_the_processors_that_it_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.setenv("SLURM_JOB_CPUS_PER_NODE", "64(x4)")
    settings = settings_of(tmp_path, "sleep 0.05")
    done = run_batch_job(
        str(settings.script), str(tmp_path / "w"), how="here", ntasks=3, cpus_per_task=2
    )
    assert done["cores"] == 6
    assert done["core_hours"] > 0


def test_attempts_that_failed_are_counted_with_the_last_one() -> None:
    attempts = [Attempt(1, "job", core_hours=1.5), Attempt(2, "job-2"), Attempt(3, "job-3")]
    assert total_core_hours(attempts[1:]) is None
    assert total_core_hours([*attempts, Attempt(4, "job-4", core_hours=0.25)]) == 1.75
