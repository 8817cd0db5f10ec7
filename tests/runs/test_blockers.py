"""What a run waits for, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.compute.scheduler import Job, JobState
from headrace.config import local_id
from headrace.endpoints.status import last_seen
from headrace.project import Project
from headrace.runs import RunView
from headrace.runs.blockers import pending_reason
from headrace.runs.describe import action_progress

TASK = "one-task"


def view(**tasks: int) -> RunView:
    details = {"tasks": {"total": 1, **tasks}, "task_ids": [TASK]}
    return RunView(
        {"run_id": "r", "status": "ACTIVE", "details": {"action_statuses": [{"details": details}]}}
    )


def services(**status: Any) -> Any:
    return SimpleNamespace(read_compute=lambda path: status)


def entries() -> list[dict[str, Any]]:
    return [{"details": {"input": {"endpoint_id": local_id("endpoint", "machine")}}}]


@pytest.mark.parametrize(
    ("jobs", "status", "words"),
    [
        (
            [Job("7", JobState.PENDING, "Resources", "", f"headrace:{TASK}:1")],
            {"status": "online"},
            "batch job 7 PENDING (Resources)",
        ),
        (
            [Job("8", JobState.RUNNING, "None", "node1", f"headrace:{TASK}:1")],
            {"status": "online"},
            "batch job 8 RUNNING on node1",
        ),
        ([Job("9", JobState.PENDING, "Priority", "", "headrace:other:1")], {}, ""),
        (
            [Job("12", JobState.PENDING, "QOSMaxJobs")],
            {"status": "online", "details": {"jobs": ["12"]}},
            "endpoint machine: batch job 12 PENDING (QOSMaxJobs)",
        ),
        ([], {"status": "offline"}, "endpoint machine is offline"),
    ],
)
def test_slurm_and_endpoints_are_told(
    project: Project, jobs: list[Job], status: dict[str, Any], words: str
) -> None:
    found = pending_reason(
        project, "local", services(**status), view(pending=1), entries(), lambda: jobs
    )
    assert found == words


def test_an_endpoint_of_another_action_is_not_asked(project: Project) -> None:
    offline = services(status="offline")
    assert pending_reason(project, "local", offline, view(pending=1), [], list) == ""


def test_a_run_that_has_ended_waits_for_nothing(project: Project) -> None:
    ended = RunView({"run_id": "r", "status": "SUCCEEDED"})
    assert pending_reason(project, "local", services(), ended, entries(), list) == ""


def test_when_an_endpoint_was_last_seen() -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    seen = now.timestamp() - 200
    assert last_seen({"details": {"last_heartbeat": seen}}, now) == " (last seen 3:20 ago)"
    assert last_seen({"details": {}}, now) == ""


def test_a_transfer_that_has_not_begun_is_in_the_queue() -> None:
    task = {"files": 3, "files_transferred": 0, "bytes_transferred": 0, "nice_status": "Queued"}
    assert action_progress(task).text == "waits in the Transfer service's queue"
