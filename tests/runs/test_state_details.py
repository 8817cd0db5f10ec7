"""Each state of a run with its time, its jobs and the last line that was printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headrace.project import Project
from headrace.runs import RunView
from headrace.runs.poller import states_of
from headrace.runs.state_details import run_core_hours, state_details
from tests.support.ids import an_id

TASK = an_id("task")


def entry(second: int, code: str, state: str = "", **details: Any) -> dict[str, Any]:
    named = {"state_name": state, "state_type": "Action"} if state else {}
    return {"time": f"2026-05-01T10:00:{second:02}Z", "code": code, "details": {**named, **details}}


def view_of(entries: list[dict[str, Any]], status: str = "FAILED") -> RunView:
    run = {"run_id": an_id("run"), "status": status, "details": entries[-1]["details"]}
    return RunView(run, states_of(entries))


def test_a_state_whose_result_could_not_be_used_has_failed(project: Project) -> None:
    entries = [
        entry(0, "FlowStarted", input={}),
        entry(1, "ActionStarted", "Push"),
        entry(3, "ActionCompleted", "Push", output={}),
        entry(4, "ActionStarted", "Run"),
        entry(9, "ActionCompleted", "Run", output={}),
        entry(9, "FlowFailed", "Run", exception="ResultPathError", cause="no such path"),
    ]
    push, run = state_details(view_of(entries), entries, project)
    assert (push.state, push.status, push.seconds) == ("Push", "done", 2.0)
    assert (run.state, run.status, run.seconds) == ("Run", "failed", 5.0)


def test_a_failed_state_has_its_job_its_node_and_the_last_line(
    project: Project, tmp_path: Path
) -> None:
    job = tmp_path / "work" / "job"
    job.mkdir(parents=True)
    tag = f"headrace:{TASK}:job"
    (job / "submission.json").write_text(json.dumps({"tag": tag, "job_id": "17"}))
    (job / "host.json").write_text(json.dumps({"host": "n42.example", "nodes": "n[42-43]"}))
    (job / "stdout").write_text("step 1\n")
    (job / "stderr").write_text("warning\nthere is no \x1b[31mmodel\n\n")
    result = {"task_id": TASK, "exception": f"JobFailed: {job.parent}"}
    entries = [
        entry(0, "FlowStarted", input={}),
        entry(1, "ActionStarted", "Run", input={"endpoint_id": an_id("e"), "tasks": [{}]}),
        entry(5, "ActionFailed", "Run", output={"details": {"results": [result]}}),
        entry(5, "FlowFailed", "Run", exception="ActionFailed", cause={"results": [result]}),
    ]
    [run] = state_details(view_of(entries), entries, project)
    assert run.status == "failed"
    assert [str(each) for each in run.jobs] == ["job 17 on n[42-43]"]
    assert run.last_line == "there is no \x1b[31mmodel"


def test_a_job_elsewhere_is_known_by_its_outcome(project: Project) -> None:
    outcome = {"status": "COMPLETED", "job_id": "9", "nodes": "n1", "exit_code": 0}
    entries = [
        entry(0, "FlowStarted", input={}),
        entry(1, "ActionStarted", "Run", input={"job_id": "none"}),
        entry(5, "ActionCompleted", "Run", output={"details": {"results": [{"output": outcome}]}}),
        entry(5, "FlowSucceeded"),
    ]
    [run] = state_details(view_of(entries, "SUCCEEDED"), entries, project)
    assert (run.status, [str(each) for each in run.jobs]) == ("done", ["job 9 on n1"])


def test_each_attempt_of_a_job_is_shown_with_its_cause(project: Project, tmp_path: Path) -> None:
    work = tmp_path / "work"
    attempts = [
        {"directory": "fit", "cause": "node lost", "job_id": "17"},
        {"directory": "fit-2", "job_id": "18"},
    ]
    for number, name in ((17, "fit"), (18, "fit-2")):
        (work / name).mkdir(parents=True)
        submission = {"tag": f"headrace:{TASK}:job", "job_id": str(number)}
        (work / name / "submission.json").write_text(json.dumps(submission))
        (work / name / "host.json").write_text(json.dumps({"nodes": f"n{number}"}))
    record = {"task": TASK, "attempts": attempts}
    (work / "fit" / "attempts.json").write_text(json.dumps(record))
    result = {"task_id": TASK, "output": str(work)}
    entries = [
        entry(0, "FlowStarted", input={}),
        entry(1, "ActionStarted", "Fit", input={"endpoint_id": an_id("e"), "tasks": [{}]}),
        entry(5, "ActionCompleted", "Fit", output={"details": {"results": [result]}}),
        entry(5, "FlowSucceeded"),
    ]
    [fit] = state_details(view_of(entries, "SUCCEEDED"), entries, project)
    assert [str(each) for each in fit.jobs] == ["job 17 on n17: node lost", "job 18 on n18"]
    # The record of a task before says nothing of this one's jobs.
    (work / "fit" / "attempts.json").write_text(json.dumps({**record, "task": "earlier"}))
    [fit] = state_details(view_of(entries, "SUCCEEDED"), entries, project)
    assert [str(each) for each in fit.jobs] == ["job 17 on n17", "job 18 on n18"]


def test_attempts_elsewhere_are_known_by_what_the_function_returned(project: Project) -> None:
    failed = {"job_id": "9", "nodes": "n1", "cause": "time limit", "seconds": 60.0}
    output = {"slurm_job_id": "10", "failed_attempts": [failed]}
    entries = [
        entry(0, "FlowStarted", input={}),
        entry(1, "ActionStarted", "Run", input={}),
        entry(5, "ActionCompleted", "Run", output={"details": {"results": [{"output": output}]}}),
        entry(5, "FlowSucceeded"),
    ]
    [run] = state_details(view_of(entries, "SUCCEEDED"), entries, project)
    assert [str(each) for each in run.jobs] == ["job 9 on n1: time limit"]


def test_core_hours_are_those_that_functions_report_else_those_of_known_jobs(
    project: Project, tmp_path: Path
) -> None:
    """Jobs of a task that failed have reported nothing: their records count, of this task alone."""
    for name, task, hours in (("fit", TASK, 1.5), ("fit-2", TASK, 0.5), ("old", "other", 9.0)):
        (tmp_path / "work" / name).mkdir(parents=True)
        record = {"tag": f"headrace:{TASK}:job", "job_id": name.replace("-", "")}
        (tmp_path / "work" / name / "submission.json").write_text(json.dumps(record))
        (tmp_path / "work" / name / "host.json").write_text(json.dumps({"nodes": "n1"}))
        outcome = {"task": task, "core_hours": hours}
        (tmp_path / "work" / name / "outcome.json").write_text(json.dumps(outcome))
    done = {"task_id": an_id("other"), "output": {"job_core_hours": 2.0, "seconds": 3}}
    failed = {"task_id": TASK, "exception": f"JobFailed: {tmp_path / 'work'}"}
    entries = [
        entry(0, "FlowStarted", input={}),
        entry(1, "ActionStarted", "Make", input={"endpoint_id": an_id("e"), "tasks": [{}]}),
        entry(3, "ActionCompleted", "Make", output={"details": {"results": [done]}}),
        entry(4, "ActionStarted", "Fit", input={"endpoint_id": an_id("e"), "tasks": [{}]}),
        entry(5, "ActionFailed", "Fit", output={"details": {"results": [failed]}}),
        entry(5, "FlowFailed", "Fit", exception="ActionFailed", cause={"results": [failed]}),
    ]
    make, fit = state_details(view_of(entries), entries, project)
    assert (make.core_hours, fit.core_hours) == (2.0, 2.0)
    assert run_core_hours([make, fit]) == 4.0
    assert run_core_hours([]) is None
