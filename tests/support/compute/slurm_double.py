"""A scheduler in memory, for the rules of waiting and submitting: it answers what a test says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from headrace.compute.batch.directory import JobDirectory
from headrace.compute.batch.submission import SubmissionRecord
from headrace.compute.scheduler import (
    Job,
    JobId,
    Limits,
    Queue,
    SchedulerError,
    SubmissionRequest,
)
from headrace.compute.scheduler.slurm import Slurm

TAG = "headrace:task:0123456789ab"
JOB = JobId("4711")
SUBMISSION = SubmissionRecord(TAG, 1_000_000.0, JOB, "forward", requeue=False)


class SlurmDouble(Slurm):
    """Stands for Slurm: each question is answered by a function that a test may replace."""

    def __init__(self) -> None:
        super().__init__()
        self.on_queue: Callable[[], Queue] = no_answer
        self.on_show: Callable[[], list[Job]] = no_answer
        self.on_account: Callable[[], list[Job]] = list
        self.on_submit: Callable[[], JobId] = lambda: JOB
        self.on_cancel: Callable[[], None] = lambda: None
        self.submitted: list[list[str]] = []
        self.cancelled: list[JobId] = []
        self.max_array_size = 1001

    def missing_commands(self) -> list[str]:
        return []

    def submit(self, submission: SubmissionRequest) -> JobId:
        self.submitted.append(self.submit_command(submission))
        return self.on_submit()

    def queue(self, clusters: Collection[str] = ("",)) -> Queue:
        return self.on_queue()

    def show(self, job: JobId) -> list[Job]:
        return self.on_show()

    def accounting_records(self, job: JobId, name: str, earliest: float) -> list[Job]:
        return self.on_account()

    def cancel(self, jobs: Collection[JobId]) -> None:
        self.cancelled += jobs
        self.on_cancel()

    def limits(self, options: Sequence[str] = ()) -> Limits:
        return Limits(self.max_array_size)


def no_answer() -> object:
    raise SchedulerError("slurm_load_jobs error: Unable to contact slurm controller")


def one_after_the_other(*answers: Callable[[], object]) -> Callable[[], object]:
    """Answers with each in turn, and with the last one from then on."""
    left = list(answers)
    return lambda: (left.pop(0) if len(left) > 1 else left[0])()


def leave_exit_code(directory: JobDirectory, name: str, text: str) -> None:
    """Writes what a job's script leaves at its end."""
    folder = directory.path / "exit_codes"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def new_directory(path: Path) -> JobDirectory:
    directory = JobDirectory(path / "job")
    directory.write_json("submission.json", SUBMISSION.to_dict())
    return directory
