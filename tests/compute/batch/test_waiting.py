"""Only a positive statement ends a wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from headrace.compute.batch.directory import ExitRecord, JobDirectory
from headrace.compute.batch.errors import BatchJobError
from headrace.compute.batch.notices import read_notices
from headrace.compute.batch.waiting import JobEnd, wait_for_job
from headrace.compute.scheduler import Job, JobId, JobState, Queue
from headrace.compute.scheduler.slurm.states import parse_state
from tests.support.compute.slurm_double import (
    JOB,
    SUBMISSION,
    TAG,
    SlurmDouble,
    leave_exit_code,
    no_answer,
    one_after_the_other,
)
from tests.support.waiting import wait_until


def job(state: str, reason: str = "", **more: Any) -> Job:
    return Job(JOB.number, parse_state(state), reason, tag=TAG, **more)


def queued(*jobs: Job) -> Callable[[], Queue]:
    return lambda: Queue(jobs)


def shown(*jobs: Job) -> Callable[[], list[Job]]:
    return lambda: list(jobs)


class Waiter:
    """Waits in a thread; counts the answers it has had by those of `slurm`."""

    def __init__(
        self, slurm: SlurmDouble, directory: JobDirectory, may_return: bool = False
    ) -> None:
        self.ends: list[JobEnd | BatchJobError] = []
        self.looks = 0
        submission = replace(SUBMISSION, requeue=may_return)

        def count(answer: Callable[[], Any]) -> Callable[[], Any]:
            def counted() -> Any:
                self.looks += 1
                return answer()

            return counted

        slurm.on_queue = count(slurm.on_queue)

        def work() -> None:
            try:
                self.ends.append(
                    wait_for_job(slurm, directory, submission, task="task", requeue=may_return)
                )
            except BatchJobError as error:
                self.ends.append(error)

        self._thread = threading.Thread(target=work)
        self._thread.start()

    def waits_on(self, looks: int = 6) -> None:
        """Sees that several answers do not end the wait."""
        before = self.looks
        wait_until(lambda: self.looks >= before + looks or self.ends, "answers")
        assert self.ends == []

    def end(self) -> JobEnd | BatchJobError:
        self._thread.join(120)
        return self.ends[0]


NO_STATEMENTS: dict[str, tuple[Callable[[], Any], Callable[[], Any], Callable[[], Any]]] = {
    "nobody answers": (no_answer, no_answer, list),
    "an answer that is not complete": (lambda: Queue(complete_clusters=()), no_answer, list),
    "the queue forgets, scontrol does not answer": (queued(), no_answer, list),
    "the queue forgets, scontrol says that it runs": (queued(), shown(job("RUNNING")), list),
    "no such job, but the queue is not complete": (
        lambda: Queue(complete_clusters=()),
        shown(),
        list,
    ),
    "no such job, but the queue does not answer": (no_answer, shown(), list),
    "no such job, and accounting says that it runs": (queued(), shown(), shown(job("RUNNING"))),
    "an empty state": (queued(job("")), no_answer, list),
    "a state of tomorrow": (queued(job("HIBERNATING")), no_answer, list),
    "held for a removed reservation": (queued(job("RESV_DEL_HOLD")), no_answer, list),
    "stages out": (queued(job("STAGE_OUT")), no_answer, list),
    "the queue shows another job's end": (
        queued(Job("4711", JobState.CANCELLED, tag="headrace:other:0123456789ab")),
        no_answer,
        list,
    ),
    "scontrol contradicts the queue": (
        queued(job("NODE_FAIL")),
        shown(job("RUNNING")),
        list,
    ),
    "of several parts one runs": (queued(), shown(job("COMPLETED"), job("RUNNING")), list),
}


@pytest.mark.parametrize("case", NO_STATEMENTS)
def test_what_is_no_statement_ends_no_wait(
    case: str, slurm: SlurmDouble, directory: JobDirectory
) -> None:
    slurm.on_queue, slurm.on_show, slurm.on_account = NO_STATEMENTS[case]
    waiter = Waiter(slurm, directory)
    waiter.waits_on()
    leave_exit_code(directory, "4711.0", "0\n")
    end = waiter.end()
    assert isinstance(end, JobEnd)
    assert end.exit_record == ExitRecord("4711", 0, 0)


@pytest.mark.parametrize(
    ("name", "text"),
    [("4712.0", "0\n"), (".0", "0\n"), ("4711.0", ""), ("4711.0", "0"), ("4711", "0\n")],
)
def test_what_is_not_this_jobs_exit_code_ends_no_wait(
    name: str, text: str, slurm: SlurmDouble, directory: JobDirectory
) -> None:
    slurm.on_queue = queued(job("RUNNING"))
    leave_exit_code(directory, name, text)
    directory.write("exit_code", "0\n")
    waiter = Waiter(slurm, directory)
    waiter.waits_on()
    leave_exit_code(directory, "4711.0", "3\n")
    end = waiter.end()
    assert isinstance(end, JobEnd)
    assert end.exit_record == ExitRecord("4711", 0, 3)


@pytest.mark.parametrize(
    ("on_queue", "on_show", "on_account", "state"),
    [
        (queued(job("CANCELLED")), shown(job("CANCELLED by 0")), list, JobState.CANCELLED),
        (queued(), shown(job("TIMEOUT")), list, JobState.TIMEOUT),
        (no_answer, shown(job("NODE_FAIL")), list, JobState.NODE_FAIL),
        (queued(job("TIMEOUT")), no_answer, list, JobState.TIMEOUT),
        (queued(), shown(), shown(job("OUT_OF_ME+")), JobState.OUT_OF_MEMORY),
        (no_answer, shown(), shown(job("DEADLINE")), JobState.DEADLINE),
        (queued(), shown(), list, None),
    ],
)
def test_positive_statements_end_a_wait(
    on_queue: Callable[[], Any],
    on_show: Callable[[], Any],
    on_account: Callable[[], Any],
    state: JobState | None,
    slurm: SlurmDouble,
    directory: JobDirectory,
) -> None:
    slurm.on_queue, slurm.on_show, slurm.on_account = on_queue, on_show, on_account
    end = Waiter(slurm, directory).end()
    assert isinstance(end, JobEnd)
    assert (end.scheduler_record.state if end.scheduler_record else None) is state


def test_one_wrong_answer_between_right_ones_is_forgotten(
    slurm: SlurmDouble, directory: JobDirectory
) -> None:
    slurm.on_queue = queued()
    slurm.on_show = one_after_the_other(shown(), shown(job("RUNNING")))
    waiter = Waiter(slurm, directory)
    waiter.waits_on()
    slurm.on_show = shown(job("COMPLETED", exit_code=0))
    end = waiter.end()
    assert isinstance(end, JobEnd)
    assert end.exit_record is None
    assert end.scheduler_record is not None
    assert end.scheduler_record.exit_code == 0


def test_a_hanging_scheduler_holds_no_exit_code_up(
    slurm: SlurmDouble, directory: JobDirectory
) -> None:
    hanging = threading.Event()

    def hang() -> Any:
        hanging.wait(240)  # longer than the end of the wait is waited for
        return no_answer()

    slurm.on_queue = slurm.on_show = hang
    waiter = Waiter(slurm, directory)
    wait_until(lambda: waiter.looks, "the question")
    leave_exit_code(directory, "4711.0", "0\n")
    assert isinstance(waiter.end(), JobEnd)
    hanging.set()


def test_a_job_that_slurm_runs_again(slurm: SlurmDouble, directory: JobDirectory) -> None:
    slurm.on_queue = queued(job("RUNNING"))
    slurm.on_show = shown(job("RUNNING", restarts=1))
    waiter = Waiter(slurm, directory, may_return=True)
    for code in ("143\n", "0\n"):
        # The first run was ended for the second one; or its node was lost, and it went on there.
        leave_exit_code(directory, "4711.0", code)
        waiter.waits_on()
    leave_exit_code(directory, "4711.1", "0\n")
    end = waiter.end()
    assert isinstance(end, JobEnd)
    assert end.exit_record == ExitRecord("4711", 1, 0)


def test_a_job_that_could_be_run_again_and_is_not(
    slurm: SlurmDouble, directory: JobDirectory
) -> None:
    slurm.on_queue = queued(job("NODE_FAIL"))
    slurm.on_show = shown(job("NODE_FAIL"))
    end = Waiter(slurm, directory, may_return=True).end()
    assert isinstance(end, JobEnd)
    assert end.scheduler_record is not None
    assert end.scheduler_record.state is JobState.NODE_FAIL


def test_another_job_of_the_same_submission_did_the_work(
    slurm: SlurmDouble, directory: JobDirectory
) -> None:
    directory.write("owner", "4710\n")
    slurm.on_queue = queued(job("RUNNING"))
    waiter = Waiter(slurm, directory)
    waiter.waits_on()
    leave_exit_code(directory, "4710.0", "0\n")
    end = waiter.end()
    assert isinstance(end, JobEnd)
    assert end.job == JobId("4710")


def test_a_job_that_needs_somebody_says_so(slurm: SlurmDouble, directory: JobDirectory) -> None:
    held = job("PENDING", "JobHeldUser", needs_attention=True)
    slurm.on_queue = queued(held)
    waiter = Waiter(slurm, directory)
    wait_until(lambda: read_notices({"task"}), "the notice")
    assert "Slurm job 4711 needs somebody: JobHeldUser" in read_notices({"task"})[0]
    assert "scontrol release 4711" in read_notices({"task"})[0]
    leave_exit_code(directory, "4711.0", "0\n")
    waiter.end()
    assert read_notices({"task"}) == []


def test_a_task_that_is_given_up_waits_no_longer(
    slurm: SlurmDouble, directory: JobDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_CANCELLED", str(directory.path))
    waiter = Waiter(slurm, directory)
    waiter.waits_on()
    (directory.path / "task").touch()
    assert "the task was cancelled; its job is 4711" in str(waiter.end())


def test_notes_that_cannot_be_written_end_no_wait(
    slurm: SlurmDouble, directory: JobDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Directories in the places of files: nobody can write these, not even root.
    (directory.path / "states.jsonl").mkdir()
    monkeypatch.setenv("HEADRACE_SCHEDULER_CACHE", "/dev/null/cache")
    slurm.on_queue = queued(job("RUNNING"))
    waiter = Waiter(slurm, directory)
    waiter.waits_on()
    leave_exit_code(directory, "4711.0", "0\n")
    assert isinstance(waiter.end(), JobEnd)
