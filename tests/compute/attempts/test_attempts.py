"""Jobs are run again where node, time, memory or files failed them, and never for the program."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.attempts import run_repeated_job
from headrace.compute.attempts.record import Attempt
from headrace.compute.attempts.run import RepeatedJob
from headrace.compute.attempts.settings import AttemptSettings
from headrace.compute.batch import BatchJobError, run_batch_job
from headrace.compute.batch.directory import JobDirectory
from headrace.compute.batch.outcome import JobOutcome
from headrace.compute.batch.run import JobCall
from headrace.compute.batch.settings import JobSettings
from headrace.compute.batch.submission import SubmissionRecord
from headrace.compute.scheduler import (
    CompletionStatus,
    Job,
    JobId,
    JobState,
    Queue,
    Refusal,
    SubmissionRefused,
)
from tests.support.compute.cluster import Cluster

NODE = "srun: error: Node failure on n2"
TRACEBACK = "Traceback (most recent call last):\nValueError: no such model"
NO_SPACE = "OSError: [Errno 28] No space left on device"


Ending = tuple[CompletionStatus, str, int | None, str]


class Jobs:
    """Jobs that end as a test says."""

    def __init__(self, *endings: Ending | Exception) -> None:
        self.endings = list(endings)
        self.ran: list[tuple[str, JobSettings]] = []

    def __call__(self, directory: JobDirectory, settings: JobSettings) -> JobOutcome:
        self.ran.append((directory.path.name, settings))
        ending = self.endings.pop(0)
        if isinstance(ending, Exception):
            raise ending
        status, state, code, printed = ending
        directory.write("stderr", printed)
        nodes = "n2"
        number = str(10 + len(self.ran))
        return JobOutcome(status, status.value, state, code, number, nodes)


LOST: Ending = (CompletionStatus.NODE_FAILURE, "NODE_FAIL", None, NODE)
LATE: Ending = (CompletionStatus.TIME_LIMIT, "TIMEOUT", None, "")
DONE: Ending = (CompletionStatus.FINISHED, "COMPLETED", 0, "")
WRONG: Ending = (CompletionStatus.FAILED, "FAILED", 1, TRACEBACK)


@dataclass(frozen=True)
class ScriptedCall(JobCall):
    """A call whose jobs end as a test says."""

    jobs: Jobs

    def run(self) -> JobOutcome:
        return self.jobs(self.directory, self.settings)


def repeat(
    cluster: Cluster, tmp_path: Path, settings: JobSettings, jobs: Jobs, task: str = "t"
) -> tuple[JobOutcome, list[Attempt]]:
    directory = JobDirectory(tmp_path / "w" / "job")
    call = ScriptedCall(cluster, settings, directory, tmp_path / "w", task, "submit", jobs)
    outcome, _, attempts = RepeatedJob(call, AttemptSettings(retry_pause="0")).run()
    return outcome, attempts


def test_each_attempt_is_written_down(
    cluster: Cluster, settings: JobSettings, tmp_path: Path
) -> None:
    jobs = Jobs(LOST, LATE, DONE)
    outcome, attempts = repeat(cluster, tmp_path, settings, jobs)
    assert outcome.ok
    assert [name for name, _ in jobs.ran] == ["job", "job-2", "job-3"]
    assert [list(asked.options) for _, asked in jobs.ran] == [[], *[["--exclude=n2"]] * 2]
    assert [asked.walltime for _, asked in jobs.ran] == ["01:00:00", "01:00:00", "02:00:00"]
    assert [str(attempt) for attempt in attempts[:2]] == [
        "node lost (job 11 on n2)",
        "time limit (job 12 on n2)",
    ]
    written = json.loads((tmp_path / "w" / "job" / "attempts.json").read_text())
    assert [each.get("cause", "") for each in written["attempts"]] == [
        "node lost",
        "time limit",
        "",
    ]
    assert [each["job_id"] for each in written["attempts"]] == ["11", "12", "13"]


def test_an_error_of_the_program_ends_the_attempts(
    cluster: Cluster, settings: JobSettings, tmp_path: Path
) -> None:
    jobs = Jobs(LOST, WRONG)
    outcome, attempts = repeat(cluster, tmp_path, settings, jobs)
    assert outcome.status is CompletionStatus.FAILED
    assert attempts[-1].next == "not repeated: it would come again"


def test_a_call_that_was_ended_goes_on_with_its_attempt(
    cluster: Cluster, settings: JobSettings, tmp_path: Path
) -> None:
    jobs = Jobs(LATE, RuntimeError("the worker was ended"))
    with pytest.raises(RuntimeError):
        repeat(cluster, tmp_path, settings, jobs)
    again = Jobs(DONE)
    outcome, attempts = repeat(cluster, tmp_path, settings, again)
    assert outcome.ok
    assert [(name, asked.walltime) for name, asked in again.ran] == [("job-2", "02:00:00")]
    assert len(attempts) == 2
    # Killed before that was written, it is written now.
    (tmp_path / "w" / "job" / "owner").unlink()
    repeat(cluster, tmp_path, settings, Jobs(DONE))
    assert (tmp_path / "w" / "job" / "owner").read_text() == "job-2\n"
    other = Jobs(DONE)
    repeat(cluster, tmp_path, settings, other, task="another")
    assert [name for name, _ in other.ran] == ["job"]


def submitted_by(task: str, directory: Path, job: str) -> JobDirectory:
    found = JobDirectory(directory)
    tag = f"headrace:{task}:0123456789ab"
    record = SubmissionRecord(tag, 1_000_000.0, JobId(job), "forward", requeue=False)
    found.write_json("submission.json", record.to_dict())
    return found


def test_an_attempt_of_another_task_is_waited_for(
    cluster: Cluster, settings: JobSettings, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError):
        repeat(cluster, tmp_path, settings, Jobs(LATE, RuntimeError("ended")), task="old")
    submitted_by("old", tmp_path / "w" / "job-2", "4712")
    asked: list[str] = []

    def still_there(job: JobId) -> list[Job]:
        asked.append(job.number)
        state = JobState.RUNNING if len(asked) < 2 else JobState.COMPLETED
        return [Job(job.number, state)]

    cluster.on_queue = lambda: Queue([])
    cluster.show = still_there  # type: ignore[method-assign]
    repeat(cluster, tmp_path, settings, Jobs(DONE), task="new")
    assert set(asked) == {"4712"}
    assert json.loads((tmp_path / "w" / "job-2" / "submission.json").read_text())["settled"]


def test_a_task_goes_on_with_no_attempt_beside_another_tasks_job(
    cluster: Cluster, settings: JobSettings, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError):
        repeat(cluster, tmp_path, settings, Jobs(LATE, RuntimeError("ended")), task="old")
    submitted_by("new", tmp_path / "w" / "job", "4712")
    with pytest.raises(BatchJobError, match="another task has taken the directory"):
        repeat(cluster, tmp_path, settings, Jobs(DONE), task="old")


def test_a_job_that_was_repeated_does_not_start_again(
    cluster: Cluster, settings: JobSettings, tmp_path: Path
) -> None:
    vanished: Ending = (CompletionStatus.LOST, "", None, "")
    repeat(cluster, tmp_path, settings, Jobs(LOST, vanished, DONE))
    assert (tmp_path / "w" / "job" / "owner").read_text() == "job-2\n"
    assert (tmp_path / "w" / "job-2" / "owner").read_text() == "job-3\n"
    assert not (tmp_path / "w" / "job-3" / "owner").exists()
    assert cluster.cancelled == [JobId("12")]


def test_where_no_other_node_is_left_the_same_is_asked_for(
    cluster: Cluster, settings: JobSettings, tmp_path: Path
) -> None:
    refused = SubmissionRefused("Requested node configuration is not available", Refusal.PERMANENT)
    jobs = Jobs(LOST, refused, DONE)
    outcome, attempts = repeat(cluster, tmp_path, settings, jobs)
    assert outcome.ok
    assert [list(asked.options) for _, asked in jobs.ran] == [[], ["--exclude=n2"], []]
    assert attempts[0].excluded == ()
    assert "not available" in attempts[0].next


def test_memory_that_the_site_does_not_have_is_told_with_the_failure(
    cluster: Cluster, settings: JobSettings, tmp_path: Path
) -> None:
    refused = SubmissionRefused("Memory specification can not be satisfied", Refusal.PERMANENT)
    killed = (CompletionStatus.OUT_OF_MEMORY, "OUT_OF_MEMORY", None, "")
    jobs = Jobs(killed, refused)
    with pytest.raises(
        BatchJobError, match=r"out of memory \(job 11 on n2\); with 4096M of memory"
    ):
        repeat(cluster, tmp_path, replace(settings, memory="2G"), jobs)


@pytest.fixture
def run_here(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def run(text: str, **more: Any) -> dict[str, Any]:
        script = tmp_path / "work.sbatch"
        script.write_text(f"#!/bin/bash\necho x >> count\n{text}\n")
        asked = {"retry_pause": "0", **more}
        return run_repeated_job(str(script), str(tmp_path / "w"), how="here", **asked)

    return run


def count(tmp_path: Path) -> int:
    return len((tmp_path / "w" / "count").read_text().splitlines())


def test_a_full_disk_is_tried_again(run_here: Callable[..., Any], tmp_path: Path) -> None:
    done = run_here(f"[ $(wc -l < count) -ge 3 ] || {{ echo '{NO_SPACE}' >&2; exit 1; }}")
    assert count(tmp_path) == 3
    assert [each["cause"] for each in done["failed_attempts"]] == ["file system"] * 2
    assert done["directory"].endswith("/job-3")


def test_a_program_that_was_killed_is_run_again(
    run_here: Callable[..., Any], tmp_path: Path
) -> None:
    done = run_here("[ $(wc -l < count) -ge 2 ] || kill -KILL $$")
    assert [each["cause"] for each in done["failed_attempts"]] == ["killed"]
    assert count(tmp_path) == 2


def test_a_program_that_crashes_twice_alike_is_not_run_again(
    run_here: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(BatchJobError, match="not repeated: crashed twice alike"):
        run_here("kill -SEGV $$", attempts=5)
    assert count(tmp_path) == 2


def test_a_traceback_is_told_at_once(run_here: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(BatchJobError, match="not repeated: it would come again"):
        run_here(f"echo '{TRACEBACK}' >&2; exit 1")
    assert count(tmp_path) == 1


def test_a_job_that_meets_its_time_gets_more(run_here: Callable[..., Any], tmp_path: Path) -> None:
    done = run_here("[ $(wc -l < count) -ge 2 ] || sleep 60", walltime="00:00:01")
    assert count(tmp_path) == 2
    assert done["seconds"] < done["failed_attempts"][0]["seconds"]
    assert [each["cause"] for each in done["failed_attempts"]] == ["time limit"]


def test_the_message_tells_of_all_attempts(run_here: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(BatchJobError) as caught:
        run_here(f"echo '{NO_SPACE}' >&2; exit 1", attempts=2)
    line = str(caught.value)
    assert "No space left on device" in line
    assert "attempt 2 of 2; before: file system (job on " in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("attempts", 0, "attempts must be an integer of at least 1"),
        ("attempts", True, "attempts must be an integer of at least 1"),
        ("retry_pause", "soon", "retry_pause 'soon': write it as HH:MM:SS"),
        ("max_walltime", "soon", "max_walltime 'soon': write it as HH:MM:SS"),
        ("max_memory", "much", "max_memory 'much': write it as 64G"),
    ],
)
def test_settings_that_cannot_be_used(
    run_here: Callable[..., Any], name: str, value: object, told: str
) -> None:
    with pytest.raises(BatchJobError, match=told):
        run_here("true", **{name: value})


def test_a_job_without_attempts_says_where_they_are(tmp_path: Path) -> None:
    script = tmp_path / "work.sbatch"
    script.write_text("#!/bin/bash\ntrue\n")
    with pytest.raises(BatchJobError, match="run_repeated_job of headrace"):
        run_batch_job(str(script), str(tmp_path / "w"), attempts=3)
