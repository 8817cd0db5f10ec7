"""Members of arrays that left no exit code: the scheduler's record of them counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.compute.batch import BatchJobError, array_waiting, run, run_batch_array
from headrace.compute.scheduler import Job, JobId, JobState, Queue
from tests.support.compute.slurm_double import JOB, SlurmDouble


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch, slurm: SlurmDouble) -> None:
    monkeypatch.setattr(array_waiting, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(array_waiting, "FILE_SECONDS", 0.1)
    monkeypatch.setattr(run, "get_scheduler", lambda _: slurm)


def two_members(tmp_path: Path, slurm: SlurmDouble, first: JobState, code: int | None) -> None:
    """Runs two members: the first leaves no note, and squeue shows its end without a code."""
    script = tmp_path / "forward.sh"
    script.write_text("#!/bin/bash\n")
    shown = Job("4711_0", first)
    asked: list[int] = []

    def queue() -> Queue:
        asked.append(1)
        if len(asked) > 1:
            (tmp_path / "work" / "job" / "exit_codes" / "1").write_text(f"0 {JOB.number} 0\n")
        return Queue((shown, Job("4711_1", JobState.RUNNING)), ("",), ("",))

    def records() -> list[Job]:
        record = Job("4711_0", first, reason="NonZeroExitCode", exit_code=code)
        return [record, Job("4711_1", JobState.COMPLETED, exit_code=0)]

    slurm.on_queue, slurm.on_show = queue, records
    slurm.on_submit = lambda: JobId(JOB.number)
    work = str(tmp_path / "work")
    run_batch_array(str(script), work, [["a"], ["b"]], requeue=False, task_id="task")


def test_one_that_slurm_calls_completed_has_done_its_work(
    tmp_path: Path, slurm: SlurmDouble
) -> None:
    two_members(tmp_path, slurm, JobState.COMPLETED, 0)


def test_one_that_failed_is_reported_with_its_code(tmp_path: Path, slurm: SlurmDouble) -> None:
    with pytest.raises(BatchJobError, match="the first is 0 with code 126;"):
        two_members(tmp_path, slurm, JobState.FAILED, 126)


def test_one_whose_code_slurm_does_not_know_is_reported_with_its_reason(
    tmp_path: Path, slurm: SlurmDouble
) -> None:
    with pytest.raises(BatchJobError, match=r"no exit code: FAILED \(NonZeroExitCode\)"):
        two_members(tmp_path, slurm, JobState.FAILED, None)
