"""Changes of many runs that are asked for again, interrupted, or made beside each other."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility
from headrace.project import Project, load_project
from headrace.runs import BatchedRun
from headrace.runs.change_record import ChangeRecord, ChangeRecords
from tests.support.chosen_runs import FLOWS, failing, listed, start, write_flow
from tests.support.command_process import Command, command_in, document


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("project")
    (root / "headrace.toml").write_text("")
    for name, definition in FLOWS.items():
        write_flow(root, name, definition)
    call = command_in(root)
    assert call("facility", "up").returncode == 0
    assert call("deploy").returncode == 0
    yield root
    stop_facility(root)


@pytest.fixture
def root(base: Path) -> Path:
    return base


@pytest.fixture
def project(base: Path) -> Project:
    return load_project(base)


def interrupted(project: Project, **changes: Any) -> ChangeRecord:
    """Store the last change as one that was interrupted."""
    records = ChangeRecords(project)
    last = records.last()
    assert last is not None
    record = replace(last, finished=False, **changes)
    records.write(record)
    return record


def outcomes(headrace: Command, *arguments: str) -> dict[str, dict[str, Any]]:
    done = document(headrace, "run", *arguments, "--yes")
    return {each["run_id"]: each for each in done["runs"]}


def test_a_retry_said_again_restarts_no_run_that_succeeded(
    headrace: Command, project: Project
) -> None:
    runs = start(project, "good", [BatchedRun({}, tags=["redo"])] * 3, "SUCCEEDED")
    assert outcomes(headrace, "retry", "--tag", "redo", "--from", "A") == {}
    chosen = ("retry", "--tag", "redo", "--status", "SUCCEEDED", "--from", "A")
    first = outcomes(headrace, *chosen)
    assert {each["status"] for each in first.values()} == {"changed"}
    new = {each["new_run_id"] for each in first.values()}
    for run_id in new:
        assert headrace("run", "wait", run_id).returncode == 0
    second = outcomes(headrace, *chosen)
    assert second.keys() == {*runs, *new}
    assert {each["status"] for each in second.values()} == {"skipped"}
    assert all("--again" in second[run_id]["message"] for run_id in new)
    assert listed(headrace, "--tag", "redo") == {*runs, *new}


def test_an_interrupted_cancellation_is_made_anew(headrace: Command, project: Project) -> None:
    [first] = start(project, "later", [BatchedRun({}, tags=["stop"])], "ACTIVE")
    chosen = ("cancel", "--tag", "stop", "--status", "ACTIVE")
    assert outcomes(headrace, *chosen).keys() == {first}
    interrupted(project)
    [second] = start(project, "later", [BatchedRun({}, tags=["stop"])], "ACTIVE")
    [(run_id, outcome)] = outcomes(headrace, *chosen).items()
    assert (run_id, outcome["status"]) == (second, "changed")


def test_an_interrupted_retry_is_finished_together_with_runs_that_failed_since(
    headrace: Command, project: Project
) -> None:
    [first] = start(project, "fail", failing("no beam", tag="since"), "FAILED")
    chosen = ("retry", "--tag", "since", "--status", "FAILED")
    own = outcomes(headrace, *chosen)[first]["new_run_id"]
    assert headrace("run", "wait", own).returncode == 1
    interrupted(project)
    [second] = start(project, "fail", failing("no beam", tag="since"), "FAILED")
    found = outcomes(headrace, *chosen)
    assert found.keys() == {first, second}
    assert (found[first]["status"], found[first]["new_run_id"]) == ("changed", own)
    assert found[second]["status"] == "changed"
    assert listed(headrace, "--tag", "since") == {
        *(first, second, own, found[second]["new_run_id"])
    }


def test_a_retry_of_somebody_else_is_not_that_of_the_interrupted_change(
    headrace: Command, project: Project
) -> None:
    [first] = start(project, "fail", failing("no beam", tag="else"), "FAILED")
    chosen = ("retry", "--tag", "else", "--status", "FAILED")
    other = outcomes(headrace, *chosen)[first]["new_run_id"]
    assert headrace("run", "wait", other).returncode == 1
    interrupted(project, id=uuid.uuid4().hex, started_at=datetime.now(UTC).isoformat())
    [outcome] = outcomes(headrace, *chosen).values()
    assert (outcome["run_id"], outcome["status"]) == (first, "skipped")
    assert outcome["message"].startswith(f"taken up by {other}")
    assert listed(headrace, "--tag", "else") == {first, other}


def test_no_change_waits_for_the_answer_to_a_question(
    headrace: Command, root: Path, project: Project
) -> None:
    [run_id] = start(project, "good", [BatchedRun({}, tags=["asked"])], "SUCCEEDED")
    asking = subprocess.Popen(
        [sys.executable, "-m", "headrace.cli", "-F", "json", "run", "delete", "--tag", "asked"],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert asking.stderr is not None
    question = ""
    while not question.endswith("[y/N]: ") and (character := asking.stderr.read(1)):
        question += character
    assert outcomes(headrace, "tag", "--tag", "asked", "--add", "seen")[run_id]["status"] == (
        "changed"
    )
    told, _ = asking.communicate("y\n", timeout=120)
    assert asking.returncode == 0
    assert json.loads(told)["counts"] == {"changed": 1}
