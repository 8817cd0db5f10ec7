"""Categories of failures of runs: whose fault it was, by the words that functions and jobs use."""

from __future__ import annotations

import pytest

from headrace.runs.failure_category import category_of_text
from headrace.runs.run_outcomes import outcome_of

JOB = "BatchJobError: md.sbatch: job 4711: {}; all of it is in /scratch/napa/job"


@pytest.mark.parametrize(
    ("text", "category"),
    [
        (JOB.format("node failure"), "node lost"),
        (JOB.format("time limit"), "time limit"),
        (JOB.format("out of memory"), "out of memory"),
        (JOB.format("outputs missing: traj.xtc"), "outputs missing"),
        (JOB.format("never started: PartitionTimeLimit"), "never started"),
        (JOB.format("cancelled"), "cancelled"),
        (JOB.format("lost"), "lost"),
        (JOB.format("failed with code 137: slurmstepd"), "killed"),
        (JOB.format("failed with code 139"), "crashed"),
        (JOB.format("failed with code 1: ValueError: no such force field"), ""),
        (
            JOB.format("failed with code 1: OSError: [Errno 28] No space left on device"),
            "file system",
        ),
        ("BatchJobError: md.sbatch: the job: time limit; all of it is in /scratch", "time limit"),
        (
            "the node that ran the task was lost (block ended, walltime, or node failure): x",
            "node lost",
        ),
        ("the worker that ran the task died (killed, out of memory, or os._exit): x", "killed"),
        ("the transfer failed: PERMISSION_DENIED", "transfer"),
        ("KeyError: 'time limit'", ""),
        ("RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB", "out of memory"),
    ],
)
def test_a_failure_is_of_the_category_that_its_words_tell(text: str, category: str) -> None:
    assert category_of_text(text) == category


def test_a_cancelled_run_and_one_that_succeeded_have_the_categories_of_their_ends() -> None:
    details = {"code": "FlowCanceled", "description": "cancelled by its owner"}
    assert outcome_of({"status": "FAILED", "details": details}).category == "cancelled"
    assert outcome_of({"status": "SUCCEEDED", "details": {}}).category == ""


def test_a_failed_run_tells_its_category_and_whether_its_code_is_wrong() -> None:
    cause = JOB.format("node failure")
    inner = {"state_name": "Run", "exception": "ActionFailedException", "cause": cause}
    outcome = outcome_of({"status": "FAILED", "details": {"details": inner}})
    assert (outcome.category, outcome.is_code_error) == ("node lost", False)
    inner["cause"] = "TypeError: unsupported operand"
    outcome = outcome_of({"status": "FAILED", "details": {"details": inner}})
    assert (outcome.category, outcome.is_code_error) == ("", True)
