"""What a run's tasks and jobs printed: found in its log, read here or through the endpoint."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import headrace.runs.job_output as outputs
from headrace.cli.termio.output import output_text
from headrace.compute.job_reader import headrace_job_output, reader_code
from headrace.config import ProjectError, local_id
from headrace.facility import endpoint_state_directory
from headrace.hosted import services_at
from headrace.project import load_project
from headrace.runs import RunView
from headrace.runs.job_output import RunTask, Stream, read_output, tasks_of
from tests.support.command_line import root, run, service  # noqa: F401 - fixtures
from tests.support.flows_service import Service
from tests.support.ids import an_id

TASK, OTHER = an_id("task"), an_id("other task")


def job(directory: Path, task: str, stdout: str = "", stderr: str = "") -> Path:
    """Writes a job's directory as `run_batch_job` does."""
    directory.mkdir(parents=True)
    tag = f"headrace:{task}:{directory.name}"
    (directory / "submission.json").write_text(json.dumps({"tag": tag, "job_id": "7"}))
    (directory / "stdout").write_text(stdout)
    (directory / "stderr").write_text(stderr)
    return directory


def test_jobs_of_a_task_are_found_at_and_below_the_places_it_names(tmp_path: Path) -> None:
    mine = job(tmp_path / "001" / "job", TASK, "out\n", "err\n")
    job(tmp_path / "001" / "other", OTHER, "not mine")
    (tmp_path / "001" / "plain").mkdir()
    [found] = headrace_job_output(TASK, [str(tmp_path / "001"), "/nowhere", str(mine)], 1000)
    assert found["directory"] == str(mine)
    assert found["stdout"] == {"size": 4, "text": "out\n"}
    assert found["stderr"] == {"size": 4, "text": "err\n"}


def test_of_long_output_the_end_is_read(tmp_path: Path) -> None:
    job(tmp_path / "job", TASK, "x" * 5000 + "the end")
    [found] = headrace_job_output(TASK, [str(tmp_path)], 100)
    stdout: Any = found["stdout"]
    assert stdout["size"] == 5007
    assert len(stdout["text"]) == 100
    assert stdout["text"].endswith("the end")


def test_the_reader_travels_alone(tmp_path: Path) -> None:
    """As source text, under a Python that has nothing of ours."""
    job(tmp_path / "job", TASK, "out")
    source = reader_code().partition(":")[2]
    call = f"headrace_job_output({TASK!r}, [{str(tmp_path)!r}], 9)"
    code = f"{source}\nimport json\nprint(json.dumps({call}))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)[0]["stdout"]["text"] == "out"


def entries(**failed: Any) -> list[dict[str, Any]]:
    """The log of a run whose two tasks ran one after the other."""
    asked = {"endpoint_id": an_id("endpoint"), "tasks": [{"kwargs": {"directory": "/scratch/001"}}]}
    first = {
        "details": {"results": [{"task_id": TASK, "output": {"directory": "/scratch/001/job"}}]}
    }
    second = {"details": {"results": [{"task_id": OTHER, "output": None, **failed}]}}
    return [
        {"code": "FlowStarted", "details": {"input": {}}},
        {"code": "ActionStarted", "details": {"state_name": "One", "input": asked}},
        {"code": "ActionCompleted", "details": {"state_name": "One", "output": first}},
        {"code": "ActionStarted", "details": {"state_name": "Two", "input": asked}},
        {"code": "ActionFailed", "details": {"state_name": "Two", "output": second}},
    ]


VIEW = RunView({"run_id": "r", "status": "FAILED", "details": {}})


def test_tasks_are_found_in_the_log() -> None:
    log = entries(exception="RuntimeError: the job failed, see /scratch/001/job/stderr (line 7)")
    one, two = tasks_of(VIEW, log)
    assert (one.state, one.task_id, one.endpoint_id) == ("One", TASK, an_id("endpoint"))
    assert {"/scratch/001", "/scratch/001/job"} <= set(one.directories)
    assert (two.state, two.task_id) == ("Two", OTHER)
    assert "/scratch/001/job" in two.directories
    assert [task.task_id for task in tasks_of(VIEW, log, "Two")] == [OTHER]


@pytest.mark.parametrize(
    ("state", "words"), [("Three", "it was in One, Two"), (None, "no Compute")]
)
def test_without_tasks_it_says_what_there_is(state: str | None, words: str) -> None:
    log = entries() if state else entries()[:1]
    with pytest.raises(ProjectError, match=words):
        tasks_of(VIEW, log, state)


def test_output_is_put_together_from_here(root: Path, service: Service) -> None:  # noqa: F811
    """The facility's endpoint keeps what the task printed; its job's files are on this machine."""
    endpoint_id = local_id("endpoint", "there")
    state = endpoint_state_directory(root, endpoint_id)
    (state / "output" / TASK).mkdir(parents=True)
    (state / "output" / TASK / "stdout").write_text("printed \x1b[31m\n")
    (state / "errors").mkdir()
    (state / "errors" / f"{TASK}.txt").write_text("Traceback (most recent call last):\nE: x\n")
    directory = job(root / "job", TASK, "1\n2\n3\n", "")
    task = RunTask("S", TASK, endpoint_id, "E: x", (str(directory),))
    services = services_at(service.url, "the-token")
    own, batch = read_output(load_project(root), "local", services, task)
    assert own.stdout.text == "printed \\x1b[31m\n"
    assert own.traceback.startswith("Traceback")
    assert own.job == ""
    assert (batch.job, batch.stdout) == (str(directory), Stream("1\n2\n3\n", 6))
    assert batch.tail(1).stdout == Stream("3\n", 6)
    assert "(the last line of 6 B; more with --tail LINES)" in output_text([batch.tail(1)])
    assert "the last" not in output_text([own, batch])


def test_what_ran_elsewhere_is_asked_for_at_its_endpoint(
    root: Path,  # noqa: F811
    service: Service,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The endpoint's answer is stood in for; `tests/clients` has real endpoints."""
    asked: list[Any] = []
    there = {
        "directory": "/far/job",
        "stdout": {"size": 2, "text": "a\n"},
        "stderr": {"size": 0, "text": ""},
    }

    def answer(*arguments: Any) -> tuple[list[Any], str]:
        asked.append(arguments[3:])
        return ([there], "") if len(asked) == 1 else ([], "refused: Not allowed")

    monkeypatch.setattr(outputs, "read_jobs_there", answer)
    task = RunTask("S", TASK, an_id("far"), "Traceback (most recent call last):\nE: x", ("/far",))
    services = services_at(service.url, "the-token")
    project = load_project(root)
    own, batch = read_output(project, "globus", services, task, 7.0)
    assert asked == [(an_id("far"), TASK, ("/far",), 7.0)]
    assert (batch.job, batch.stdout.text) == ("/far/job", "a\n")
    assert own.traceback == task.exception
    [own] = read_output(project, "globus", services, task, 7.0)
    assert "cannot be read there: refused: Not allowed; `headrace endpoint restart" in own.note
