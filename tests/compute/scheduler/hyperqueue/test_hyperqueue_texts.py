"""What headrace writes for HyperQueue, and what it reads of its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.compute.scheduler import BatchJobError, DirectiveLine, JobRequest, JobState
from headrace.compute.scheduler.errors import SchedulerError
from headrace.compute.scheduler.hyperqueue.parsing import parse_job_details, parse_job_list
from headrace.compute.scheduler.hyperqueue.script import parse_directives, script_parts


def header(**settings: Any) -> list[str]:
    return list(script_parts(JobRequest(**settings)).header)


def test_resources_become_directives() -> None:
    lines = header(ntasks=4, cpus_per_task=2, gpus=1, memory="1.5G", walltime="01:00:00")
    assert lines == [
        "#HQ --cpus=8",
        "#HQ --resource=gpus/nvidia=1",
        "#HQ --resource=mem=1536",
        "#HQ --time-limit=3600s",
        "#HQ --time-request=3600s",
        "#HQ --crash-limit=never-restart",
    ]
    assert header(walltime="UNLIMITED", requeue=True) == ["#HQ --cpus=1"]
    # Those of the allocation are left out; an option of the job's own comes before ours.
    lines = header(account="m1", partition="p", qos="q", options=["--cpus=4"])
    assert (lines[0], lines[-1]) == ("#HQ --time-limit=1800s", "#HQ --cpus=4")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"nodes": 2}, "jobs of one node"),
        ({"launcher": "srun"}, "must be mpiexec"),
        ({"gres": "gpu:1"}, "gres = 'gpu:1': HyperQueue has none"),
        ({"options": ["-n 4"]}, "write it as --option=value"),
        ({"options": ["--array=1-4"]}, "headrace sets that itself"),
        ({"memory": "lots"}, "write it as 64G"),
    ],
)
def test_what_it_cannot_do_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BatchJobError, match=words):
        header(**settings)


def test_directives_are_read() -> None:
    text = " --cpus=4 --time-limit=00:10:00 --name relax --nodes=0 --stdout=log --task-dir"
    found = parse_directives([DirectiveLine("a.sh:2", text)])
    assert found.settings == {"walltime": "00:10:00", "name": "relax", "nodes": 1}
    assert found.options == ("--cpus=4", "--task-dir")
    assert found.replaced == ("--stdout=log",)
    for text in (" --array=1-4", " --time-limit=10min", " --nodes=many", " 'open"):
        with pytest.raises(BatchJobError, match=r"^a\.sh:2: #HQ"):
            parse_directives([DirectiveLine("a.sh:2", text)])


def info(state: str, name: str = "relax headrace:t:0123456789ab") -> dict[str, Any]:
    names = ("running", "finished", "failed", "canceled", "aborted", "waiting")
    counts = {each: int(each == state) for each in names}
    return {"id": 7, "name": name, "task_count": 1, "is_open": False, "task_stats": counts,
            "cancel_reason": None}  # fmt: skip


@pytest.mark.parametrize(
    ("task", "state", "code"),
    [
        ({"state": "waiting"}, JobState.PENDING, None),
        ({"state": "running", "worker": 1}, JobState.RUNNING, None),
        ({"state": "finished"}, JobState.COMPLETED, 0),
        ({"state": "canceled"}, JobState.CANCELLED, None),
        ({"state": "failed", "error": "Program terminated with exit code 3."}, JobState.FAILED, 3),
        (
            {"state": "failed", "error": "Program terminated with exit code -1. "
             "Received signal 11 (SIGSEGV)."},
            JobState.FAILED, 139,
        ),
        ({"state": "failed", "error": "Time limit reached"}, JobState.TIMEOUT, None),
        (
            {"state": "failed", "error": "Task was running on a worker that was lost; the task "
             "has occurred 5 times in this situation and limit was reached."},
            JobState.NODE_FAIL, None,
        ),
    ],
)  # fmt: skip
def test_ends_are_read(task: dict[str, Any], state: JobState, code: int | None) -> None:
    detail = {"info": info(task["state"]), "tasks": [{"id": 0, **task}]}
    (job,) = parse_job_details(json.dumps([detail]))
    assert (job.job_id, job.state, job.exit_code) == ("7", state, code)
    assert (job.name, job.tag) == ("relax", "headrace:t:0123456789ab")
    assert job.reason == task.get("error", "")


def test_a_list_has_jobs_of_others_too() -> None:
    (job,) = parse_job_list(json.dumps([info("running", "other")]))
    assert (job.name, job.tag, job.state) == ("other", "", JobState.RUNNING)
    assert parse_job_list("[]") == []


@pytest.mark.parametrize("text", ["", "{}", '[{"id": 1}]', "[3]", '{"error": "gone"}', "[{}"])
def test_what_has_another_form_is_no_answer(text: str) -> None:
    with pytest.raises(SchedulerError):
        parse_job_list(text)
    with pytest.raises(SchedulerError):
        parse_job_details(text)
