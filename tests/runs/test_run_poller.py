from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.config import local_id
from headrace.deploy import apply, plan
from headrace.hosted import Services
from headrace.project import Project
from headrace.runs import (
    RunPoller,
    RunView,
    current_activity,
    failure_summary,
    results_of,
    start,
    summary_of,
)
from headrace.runs.describe import action_progress, format_duration, format_size
from tests.support.flows_service import Service


@pytest.fixture
def run_id(project: Project, services: Services) -> str:
    apply(plan(project, "local", services), project, services)
    return str(start(project, "local", services, "say", {"word": "a"})["run_id"])


def test_states_follow_the_log(run_id: str, services: Services, service: Service) -> None:
    follower = RunPoller(run_id)
    assert current_activity(follower.poll(services)).text == "starting"
    service.log(run_id, "FlowStarted", input={})
    service.log(run_id, "ActionStarted", state_name="Move", state_type="Action")
    view = follower.poll(services)
    assert view.current
    assert view.current.name == "Move"
    service.log(run_id, "ActionCompleted", state_name="Move", state_type="Action")
    service.log(run_id, "PassStarted", state_name="Say", state_type="Pass")
    view = follower.poll(services)
    assert [(state.name, state.finished_at is None) for state in view.states] == [
        ("Move", False),
        ("Say", True),
    ]


def test_a_long_log_is_read_once(run_id: str, services: Services, service: Service) -> None:
    follower = RunPoller(run_id)
    for number in range(250):
        service.log(run_id, "PassStarted", state_name=f"S{number}", state_type="Pass")
    assert len(follower.poll(services).states) == 250
    service.calls.clear()
    service.log(run_id, "PassCompleted", state_name="S249", state_type="Pass")
    assert follower.poll(services).states[-1].finished_at is not None
    assert service.calls == [f"GET /runs/{run_id}", f"GET /runs/{run_id}/log"]
    service.calls.clear()
    follower.poll(services)
    assert service.calls == [f"GET /runs/{run_id}"]


@pytest.mark.parametrize(
    ("details", "text", "done", "total"),
    [
        (
            {"files": 12, "files_transferred": 3, "files_skipped": 2, "bytes_transferred": 1.25e9},
            "5 of 12 files, 1.2 GB",
            5,
            12,
        ),
        (
            {"files": 0, "bytes_transferred": 0, "nice_status": "PERMISSION_DENIED"},
            "0 files, 0 B, PERMISSION_DENIED",
            None,
            None,
        ),
        (
            {"tasks": {"total": 4, "pending": 1, "running": 1, "done": 1, "failed": 1}},
            "1 of 4 tasks done, 1 running, 1 pending, 1 failed",
            2,
            4,
        ),
        ({"description": "queued\nfor long"}, "queued for long", None, None),
        (None, "under way", None, None),
    ],
)
def test_actions_tell_how_far_they_are(
    details: Any, text: str, done: float | None, total: float | None
) -> None:
    progress = action_progress(details)
    assert (progress.text, progress.done, progress.total) == (text, done, total)


def test_the_end_tells_numbers_and_where_the_results_are(
    run_id: str, services: Services, service: Service, project: Project
) -> None:
    (project.root / "data" / "results").mkdir()
    place = {"id": local_id("collection", "here"), "path": "/results/"}
    output = {"summary": {"misfit": 0.5, "results": place}}
    service.end(run_id, "SUCCEEDED", {"code": "FlowSucceeded", "output": output})
    view = RunPoller(run_id).poll(services)
    assert view.final
    assert summary_of(view) == {"misfit": 0.5}
    results = results_of(view, project, "local")
    assert results is not None
    assert (results.collection, results.directory) == ("here", project.root / "data" / "results")
    place["path"] = "/elsewhere/"
    results = results_of(RunPoller(run_id).poll(services), project, "local")
    assert str(results) == "here:/elsewhere/"


@pytest.mark.parametrize(
    ("details", "line"),
    [
        (
            {"details": {"state_name": "S", "exception": "States.Runtime", "cause": "no\npath"}},
            "no path (States.Runtime in state S)",
        ),
        (
            {
                "state_name": "S",
                "exception": "ActionFailedException",
                "cause": {"status": "FAILED", "details": {"description": "No space left"}},
            },
            "No space left (ActionFailedException in state S)",
        ),
        (
            {
                "details": {
                    "state_name": "S",
                    "exception": "E",
                    "cause": "Traceback (most recent call last):\n  File x\nValueError: bad",
                }
            },
            "ValueError: bad (E in state S)",
        ),
        ({"code": "FlowCanceled", "description": "by the user"}, "by the user (FlowCanceled)"),
    ],
)
def test_a_failure_is_one_line(details: dict[str, Any], line: str) -> None:
    view = RunView({"run_id": "r", "status": "FAILED", "details": details})
    assert failure_summary(view) == line
    assert current_activity(view).text == f"{line}; see `headrace run log r`"


def test_a_run_that_waits_for_somebody_says_for_what() -> None:
    details = {"code": "ConsentRequired", "description": "Missing consent"}
    view = RunView({"run_id": "r", "status": "INACTIVE", "details": details})
    assert current_activity(view).text == "waits for you: Missing consent"


def test_sizes_and_durations_read_well() -> None:
    assert [format_size(n) for n in (0, 999, 1000, 123_456, 9.96e8)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "123 kB",
        "996 MB",
    ]
    assert [format_duration(s) for s in (7, 187, 11_279, 180_000)] == [
        "0:07",
        "3:07",
        "3:07:59",
        "2 d 02:00:00",
    ]


def test_results_never_leave_the_collection(project: Project, tmp_path: Path) -> None:
    place = {"id": local_id("collection", "here"), "path": "/../../"}
    details = {"output": {"summary": {"results": place}}}
    view = RunView({"run_id": "r", "status": "SUCCEEDED", "details": details})
    results = results_of(view, project, "local")
    assert results is not None
    assert results.directory == project.root / "data"


@pytest.mark.parametrize(
    "named",
    [
        {"required_scope": "https://a/flow[b c]"},
        {"authorization_parameters": {"required_scopes": ["https://a/flow[b c]"]}},
    ],
)
def test_a_consent_that_is_missing_comes_with_the_commands(named: dict[str, Any]) -> None:
    details = {"code": "ConsentRequired", "description": "Missing consent", **named}
    view = RunView({"run_id": "r", "status": "INACTIVE", "details": details})
    assert current_activity(view).text == (
        "waits for you: Missing consent; run `headrace login --consent 'https://a/flow[b c]'`, "
        "then `headrace run resume r`"
    )
    assert current_activity(view, "globus").text.endswith("`headrace run resume r --at globus`")


def test_what_a_task_waits_for_is_told() -> None:
    progress = action_progress(
        {"tasks": {"total": 1, "pending": 1}, "description": "waits for the endpoint e"}
    )
    assert progress.text == "0 of 1 task done, 1 pending, waits for the endpoint e"
