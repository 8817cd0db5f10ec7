"""Arrays whose members alone are repeated, with a scheduler in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.attempts import run_repeated_array
from headrace.compute.batch import BatchJobError, array_waiting, run
from headrace.compute.scheduler import Job, JobId, JobState, Queue, Refusal, SubmissionRefused
from tests.support.compute.slurm_double import SlurmDouble

End = tuple[int | None, JobState, str]
DONE: End = (0, JobState.COMPLETED, "")


class ArraysInMemory(SlurmDouble):
    """Runs arrays at once: each member ends as the test says, attempt by attempt.

    Args:
        work: the working directory.
    """

    def __init__(self, work: Path) -> None:
        super().__init__()
        self.work = work
        self.ends: dict[str, list[End]] = {}
        self.arrays: list[list[str]] = []
        self._shown: list[Job] = []
        self.on_queue = lambda: Queue(tuple(self._shown), ("",), ("",))
        self.on_show = lambda: list(self._shown)
        self.on_submit = self._run_array

    def _run_array(self) -> JobId:
        number = len(self.arrays) + 1
        folder = self.work / ("job" if number == 1 else f"job-{number}")
        part = max((folder / "arrays").iterdir())
        lines = (part / "members.txt").read_text().splitlines()
        members = [line.partition(" ")[0] for line in lines]
        self.arrays.append(members)
        job = str(4710 + number)
        self._shown = []
        for index, member in enumerate(members):
            left = self.ends.get(member, [DONE])
            code, state, printed = left.pop(0) if len(left) > 1 else left[0]
            host = {"host": "n1", "nodes": "n1", "job_id": f"{job}_{index}", "cores": "2"}
            host["started_at"] = "2026-03-01T10:00:00Z"
            (folder / "members" / f"{member}.json").write_text(json.dumps(host))
            (folder / "members" / f"{member}.err").write_text(printed)
            if code is not None:
                (folder / "members" / f"{member}.ended").write_text("2026-03-01T10:30:00Z\n")
                (folder / "exit_codes" / member).write_text(f"{code} {job} 0\n")
            self._shown.append(Job(f"{job}_{index}", state, nodes="n1", exit_code=code))
        return JobId(job)


@pytest.fixture
def arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArraysInMemory:
    arrays = ArraysInMemory(tmp_path / "work")
    monkeypatch.setattr(array_waiting, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(run, "get_scheduler", lambda _: arrays)
    return arrays


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    script = tmp_path / "forward.sh"
    script.write_text("#!/bin/bash\n")

    def call(count: int = 4, **more: Any) -> dict[str, Any]:
        members = [[str(number)] for number in range(count)]
        chosen = {"task_id": "task", "retry_pause": "0", **more}
        return run_repeated_array(str(script), str(tmp_path / "work"), members, **chosen)

    return call


def test_each_member_is_repeated_by_its_own_cause(
    arrays: ArraysInMemory, call: Callable[..., dict[str, Any]]
) -> None:
    arrays.ends["1"] = [(None, JobState.NODE_FAIL, ""), DONE]
    arrays.ends["2"] = [(1, JobState.FAILED, "ValueError: the mesh is bad\n")]
    arrays.ends["3"] = [(1, JobState.FAILED, "Stale file handle\n")]
    done = call()
    assert arrays.arrays == [["0", "1", "2", "3"], ["1", "3"], ["3"]]
    assert done["failed"] == [2, 3]
    causes = [[each["cause"] for each in one["failed_attempts"]] for one in done["members"]]
    assert causes == [[], ["node lost"], [], ["file system", "file system"]]
    assert [one["cause"] for one in done["members"]] == [
        "",
        "",
        "error of the program",
        "file system",
    ]
    assert (
        "--exclude=n1" in (arrays.work / "job-2" / "arrays" / "0001" / "submitted.sh").read_text()
    )
    assert done["members"][0]["core_hours"] == 1.0


def test_a_task_that_is_repeated_runs_nothing_again(
    arrays: ArraysInMemory, call: Callable[..., dict[str, Any]]
) -> None:
    arrays.ends["1"] = [(None, JobState.NODE_FAIL, ""), DONE]
    arrays.ends["2"] = [(None, JobState.TIMEOUT, "")]
    first = call(attempts=2)
    ran = len(arrays.arrays)
    second = call(attempts=2)
    assert len(arrays.arrays) == ran == 2
    assert second == first
    assert first["failed"] == [2]


def test_another_task_runs_members_again(
    arrays: ArraysInMemory, call: Callable[..., dict[str, Any]]
) -> None:
    call()
    arrays.arrays.clear()
    call(task_id="other")
    assert arrays.arrays == [["0", "1", "2", "3"]]


def test_the_time_of_all_that_are_repeated_is_that_of_the_longest(
    arrays: ArraysInMemory, call: Callable[..., dict[str, Any]]
) -> None:
    arrays.ends["0"] = [(None, JobState.TIMEOUT, ""), DONE]
    arrays.ends["3"] = [(None, JobState.OUT_OF_MEMORY, ""), DONE]
    done = call(walltime="01:00:00", max_walltime="02:00:00", memory="2G")
    assert done["failed"] == []
    text = (arrays.work / "job-2" / "arrays" / "0001" / "submitted.sh").read_text()
    assert "--time=02:00:00" in text
    assert "--mem=4096M" in text


def test_what_is_refused_for_a_further_attempt_is_asked_for_as_before(
    arrays: ArraysInMemory, call: Callable[..., dict[str, Any]]
) -> None:
    arrays.ends["0"] = [(None, JobState.NODE_FAIL, ""), DONE]
    run_array = arrays.on_submit

    def submit() -> JobId:
        if any("--exclude" in (path.read_text()) for path in _submitted(arrays.work)):
            raise SubmissionRefused("sbatch: error: no such node", Refusal.PERMANENT)
        return run_array()

    arrays.on_submit = submit
    assert call()["failed"] == []


def test_an_array_that_is_refused_is_told(
    arrays: ArraysInMemory, call: Callable[..., dict[str, Any]]
) -> None:
    def refuse() -> JobId:
        raise SubmissionRefused("sbatch: error: invalid partition", Refusal.PERMANENT)

    arrays.on_submit = refuse
    with pytest.raises(BatchJobError, match="invalid partition"):
        call()


def _submitted(work: Path) -> list[Path]:
    found = sorted(
        work.glob("job*/arrays/*/submitted.sh"), key=lambda path: path.stat().st_mtime_ns
    )
    return found[-1:]
