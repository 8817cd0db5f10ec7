"""A job is submitted once, and again only where it is sure that it was not taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.batch import submission as module
from headrace.compute.batch.directory import JobDirectory
from headrace.compute.batch.errors import BatchJobError
from headrace.compute.batch.notices import read_notices
from headrace.compute.batch.previous_job import claim_directory
from headrace.compute.batch.settings import JobSettings
from headrace.compute.batch.submission import (
    SubmissionRecord,
    record_intent,
    submission_tag,
    submit_once,
)
from headrace.compute.scheduler import (
    Job,
    JobId,
    JobState,
    Queue,
    Refusal,
    SchedulerError,
    SubmissionRefused,
)
from headrace.compute.scheduler.slurm.states import parse_state
from tests.support.compute.slurm_double import JOB, SlurmDouble, no_answer


@pytest.fixture
def settings(tmp_path: Path) -> JobSettings:
    script = tmp_path / "work.sbatch"
    script.write_text("#!/bin/bash\ntrue\n")
    return JobSettings(script)


@pytest.fixture
def fresh(tmp_path: Path) -> JobDirectory:
    return JobDirectory(tmp_path / "fresh")


def refusals(*kinds: Refusal) -> Callable[[], JobId]:
    left: Iterator[Refusal] = iter(kinds)

    def answer() -> JobId:
        kind = next(left, None)
        if kind is None:
            return JOB
        raise SubmissionRefused(f"sbatch refuses: {kind.name}", kind)

    return answer


def submit(slurm: SlurmDouble, directory: JobDirectory, settings: JobSettings) -> SubmissionRecord:
    intent = record_intent(slurm, directory, settings, submission_tag("task", directory.path, 0))
    return submit_once(slurm, directory, settings, intent, new=True)


@pytest.mark.parametrize("kind", [Refusal.LIMIT, Refusal.UNAVAILABLE, Refusal.UNRECOGNIZED])
def test_passing_refusals_are_waited_out_and_reported(
    kind: Refusal, slurm: SlurmDouble, fresh: JobDirectory, settings: JobSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    pauses: list[tuple[float, list[str]]] = []

    def sleep(seconds: float, task: str) -> None:
        pauses.append((seconds, read_notices({task})))

    monkeypatch.setattr(module, "_sleep", sleep)
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 60.0)
    slurm.on_submit = refusals(kind, kind, kind)
    assert submit(slurm, fresh, settings).job == JOB
    assert [seconds for seconds, _ in pauses] == [60.0, 120.0, 240.0]
    assert [notice for _, (notice,) in pauses] == [
        f"sbatch refuses: {kind.name}; submitted again in {minutes} min" for minutes in (1, 2, 4)
    ]
    assert read_notices({"task"}) == []
    assert f"sbatch refuses: {kind.name}" in (fresh.read_text("states.jsonl") or "")


def test_a_refusal_for_good_is_raised_at_once(
    slurm: SlurmDouble, fresh: JobDirectory, settings: JobSettings
) -> None:
    slurm.on_submit = refusals(Refusal.PERMANENT)
    with pytest.raises(SchedulerError, match="PERMANENT") as caught:
        submit(slurm, fresh, settings)
    assert isinstance(caught.value, BatchJobError)
    assert len(slurm.submitted) == 1


def test_a_refusal_that_cannot_be_read_is_not_tried_for_ever(
    slurm: SlurmDouble, fresh: JobDirectory, settings: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_sleep", lambda *_: None)
    slurm.on_submit = refusals(*[Refusal.UNRECOGNIZED] * 50)
    with pytest.raises(SchedulerError, match="UNRECOGNIZED"):
        submit(slurm, fresh, settings)
    assert 3 <= len(slurm.submitted) <= 10


def test_the_time_for_submitting_ends(
    slurm: SlurmDouble, fresh: JobDirectory, settings: JobSettings, tmp_path: Path
) -> None:
    slurm.on_submit = refusals(*[Refusal.LIMIT] * 50)
    short = JobSettings(settings.script, submit_timeout="00:00:00")
    with pytest.raises(SchedulerError, match="LIMIT"):
        submit(slurm, fresh, short)


def test_a_task_that_is_given_up_is_not_submitted_again(
    slurm: SlurmDouble, fresh: JobDirectory, settings: JobSettings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HEADRACE_CANCELLED", str(tmp_path))

    def refuse() -> JobId:
        (tmp_path / "task").touch()
        raise SubmissionRefused("sbatch refuses: a limit", Refusal.LIMIT)

    slurm.on_submit = refuse
    with pytest.raises(BatchJobError, match="the task was cancelled"):
        submit(slurm, fresh, settings)
    assert len(slurm.submitted) == 1


def test_a_submission_without_an_answer_is_looked_for_first(
    slurm: SlurmDouble, fresh: JobDirectory, settings: JobSettings
) -> None:
    tag = submission_tag("task", fresh.path, 0)
    taken = Job("4712", JobState.PENDING, tag=tag, cluster="far")
    answers: list[Any] = [
        no_answer,
        lambda: Queue(complete_clusters=()),
        Queue,
        lambda: Queue((taken,)),
    ]
    slurm.on_queue = lambda: answers.pop(0)()
    slurm.on_submit = refusals(Refusal.UNANSWERED)
    assert submit(slurm, fresh, settings).job == JobId("4712", "far")
    assert len(slurm.submitted) == 1
    known = SubmissionRecord.read(fresh)
    assert known is not None
    assert known.job == JobId("4712", "far")


def test_nothing_is_submitted_again_while_nobody_answers(
    slurm: SlurmDouble, fresh: JobDirectory, settings: JobSettings
) -> None:
    asked: list[int] = []

    def queue() -> Queue:
        asked.append(len(slurm.submitted))
        return Queue() if len(asked) > 12 else Queue(complete_clusters=())

    slurm.on_queue = queue
    slurm.on_submit = refusals(Refusal.UNANSWERED)
    assert submit(slurm, fresh, settings).job == JOB
    assert asked == [1] * 14
    assert len(slurm.submitted) == 2


def test_an_id_that_cannot_be_written_is_not_lost(
    slurm: SlurmDouble, fresh: JobDirectory, settings: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill() -> JobId:
        def full(*_: Any, **_more: Any) -> None:
            raise BatchJobError("No space left on device")

        monkeypatch.setattr(fresh, "write", full)
        return JOB

    slurm.on_submit = fill
    assert submit(slurm, fresh, settings).job == JOB


def end(state: str) -> Callable[[], list[Job]]:
    return lambda: [Job(JOB.number, parse_state(state))]


def test_a_job_of_another_task_is_waited_for(slurm: SlurmDouble, directory: JobDirectory) -> None:
    states = iter(["RUNNING"] * 5)
    notices: list[list[str]] = []

    def show() -> list[Job]:
        notices.append(read_notices({"second"}))
        return end(next(states, "COMPLETED"))()

    slurm.on_queue, slurm.on_show = Queue, show
    prepared: list[str] = []
    assert claim_directory(
        slurm, directory, "headrace:second:0", "second", lambda: prepared.append("x")
    )
    assert prepared == ["x"]
    assert len(notices) > 5
    assert "is in use by Slurm job 4711 of task task; its end is waited for" in notices[2][0]
    assert slurm.cancelled == []
    assert read_notices({"second"}) == []


def test_a_job_of_a_task_that_was_given_up_is_cancelled(
    slurm: SlurmDouble, directory: JobDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_CANCELLED", str(tmp_path))
    (tmp_path / "task").touch()
    slurm.on_queue = Queue
    slurm.on_show = lambda: end("CANCELLED" if slurm.cancelled else "RUNNING")()
    assert claim_directory(slurm, directory, "headrace:second:0", "second", lambda: None)
    assert slurm.cancelled == [JOB]


def test_a_job_whose_id_was_never_written_is_looked_for(
    slurm: SlurmDouble, directory: JobDirectory
) -> None:
    known = directory.read_json("submission.json")
    directory.write_json("submission.json", {**known, "job_id": None})
    row = Job("4711", JobState.RUNNING, tag=str(known["tag"]))
    answers: list[Any] = [no_answer, lambda: Queue((row,))]
    slurm.on_queue = lambda: (answers.pop(0) if len(answers) > 1 else answers[0])()
    seen: list[int] = []

    def show() -> list[Job]:
        seen.append(1)
        return end("COMPLETED")()

    slurm.on_show = show
    row_ended = Job("4711", JobState.COMPLETED, tag=str(known["tag"]))
    answers += [lambda: Queue((row_ended,))]
    assert claim_directory(slurm, directory, "headrace:second:0", "second", lambda: None)
    assert seen


def test_what_the_directory_tells_of_an_end_needs_no_question(
    slurm: SlurmDouble, directory: JobDirectory
) -> None:
    directory.write_json("outcome.json", {"settled": "4711"})
    assert claim_directory(slurm, directory, "headrace:second:0", "second", lambda: None)


def test_without_a_scheduler_a_job_on_record_is_refused(
    slurm: SlurmDouble, directory: JobDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "missing_commands", lambda: ["squeue"])
    with pytest.raises(BatchJobError, match="job 4711 of another task may still run there"):
        claim_directory(slurm, directory, "headrace:second:0", "second", lambda: None)


def test_the_same_submission_is_found_again(slurm: SlurmDouble, directory: JobDirectory) -> None:
    tag = str(directory.read_json("submission.json")["tag"])
    assert not claim_directory(slurm, directory, tag, "task", lambda: pytest.fail("prepared again"))
