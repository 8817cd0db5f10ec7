"""Runs that are held and released by conditions, and changes of many runs that are undone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility
from headrace.project import Project, load_project
from headrace.runs import BatchedRun
from headrace.runs.change_record import ChangeRecords
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


def outcomes(headrace: Command, *arguments: str) -> dict[str, str]:
    done = document(headrace, "run", *arguments)
    return {each["run_id"]: each["status"] for each in done["runs"]}


def test_runs_are_held_shown_and_released(headrace: Command, project: Project) -> None:
    first, second = start(project, "later", [BatchedRun({}, tags=["hold"])] * 2, "ACTIVE")
    [ended] = start(project, "good", [BatchedRun({}, tags=["hold"])], "SUCCEEDED")
    assert outcomes(headrace, "hold", first) == {first: "changed"}
    assert outcomes(headrace, "hold", "--tag", "hold") == {
        **{first: "skipped", second: "changed", ended: "skipped"}
    }
    assert listed(headrace, "--held") == {first, second}
    table = headrace("run", "list", "--tag", "hold").stdout
    assert "held since" in table.splitlines()[0]
    shown = headrace("run", "show", first).stdout
    assert f"go on: headrace run release {first}" in shown
    assert document(headrace, "run", "show", first)["held_at"]
    findings = document(headrace, "status", "--fail-on", "never")["findings"]
    assert [(each["word"], each["text"]) for each in findings if each["part"] == "held"] == [
        ("look", "2 runs are held and go no further")
    ]
    # Only what the last change held is released by its undoing.
    assert outcomes(headrace, "undo")[second] == "changed"
    assert listed(headrace, "--held") == {first}
    assert outcomes(headrace, "undo") == {second: "changed"}
    assert listed(headrace, "--held") == {first, second}
    assert outcomes(headrace, "release", "--held", "--tag", "hold") == {
        **{first: "changed", second: "changed"}
    }
    assert listed(headrace, "--held") == set()
    findings = document(headrace, "status", "--fail-on", "never")["findings"]
    assert "held" not in [each["part"] for each in findings]
    assert "held since" not in headrace("run", "list", "--tag", "hold").stdout
    assert outcomes(headrace, "release", first) == {first: "skipped"}


def test_more_than_ten_runs_are_asked_for(headrace: Command, project: Project) -> None:
    runs = start(project, "later", [BatchedRun({}, tags=["eleven"])] * 11, "ACTIVE")
    refused = headrace("run", "hold", "--tag", "eleven", stdin="y\n")
    assert refused.returncode == 2
    assert "Hold 11 runs (11 ACTIVE; 11 The flow later)?" in refused.stderr
    assert listed(headrace, "--held", "--tag", "eleven") == set()
    assert outcomes(headrace, "hold", "--tag", "eleven", "--yes").keys() == set(runs)
    undone = headrace("run", "undo", stdin="y\n")
    assert undone.returncode == 2
    assert "Undo run hold of " in undone.stderr
    assert listed(headrace, "--held", "--tag", "eleven") == set(runs)


def test_tags_are_again_as_each_run_had_them(headrace: Command, project: Project) -> None:
    [plain] = start(project, "good", [BatchedRun({}, tags=["t"])], "SUCCEEDED")
    [seen] = start(project, "good", [BatchedRun({}, tags=["t", "seen", "old"])], "SUCCEEDED")
    change = ("run", "tag", "--tag", "t", "--add", "seen", "--remove", "old")
    assert headrace(*change).returncode == 0

    def tags() -> list[set[str]]:
        runs = document(headrace, "run", "list", plain, seen)
        return [set(run["tags"]) for run in runs]

    assert tags() == [{"t", "seen"}] * 2
    assert outcomes(headrace, "undo") == {plain: "changed", seen: "changed"}
    assert tags() == [{"t"}, {"t", "seen", "old"}]
    assert outcomes(headrace, "undo") == {plain: "changed", seen: "changed"}
    assert tags() == [{"t", "seen"}] * 2


def test_what_a_retry_started_is_cancelled_when_it_is_confirmed(
    headrace: Command, project: Project, root: Path
) -> None:
    start(project, "mended", failing("no beam", "no beam", tag="again"), "FAILED")
    write_flow(root, "mended", {**FLOWS["later"], "StartAt": "Stop", "States": STOPPED})
    assert headrace("deploy").returncode == 0
    retried = document(headrace, "run", "retry", "--tag", "again", "--latest")
    new = {each["new_run_id"] for each in retried["runs"]}
    assert headrace("run", "undo", stdin="n\n").returncode == 1
    assert listed(headrace, "--status", "ACTIVE", "--tag", "again") == new
    record = ChangeRecords(project).last()
    assert record is not None
    # An interrupted retry has not written what it started.
    ChangeRecords(project).write(replace(record, new_runs={}, finished=False))
    assert outcomes(headrace, "undo", "--yes") == dict.fromkeys(new, "changed")
    assert listed(headrace, "--status", "ACTIVE", "--tag", "again") == set()


STOPPED = {"Stop": {"Type": "Wait", "Seconds": 3600, "End": True}}


def test_what_cannot_be_undone_is_said_of_each_run(headrace: Command, project: Project) -> None:
    runs = start(project, "later", [BatchedRun({}, tags=["gone"])] * 2, "ACTIVE")
    assert headrace("run", "cancel", "--tag", "gone").returncode == 0
    refused = headrace("-F", "json", "run", "undo")
    assert refused.returncode == 1
    told: dict[str, Any] = json.loads(refused.stdout)
    assert {each["run_id"]: each["status"] for each in told["runs"]} == dict.fromkeys(
        runs, "skipped"
    )
    assert all("headrace run retry" in each["message"] for each in told["runs"])


def test_the_hosted_service_holds_no_run(headrace: Command) -> None:
    for verb in ("hold", "release"):
        refused = headrace("run", verb, "--tag", "t", "--at", "globus")
        assert refused.returncode == 1
        assert refused.stderr.startswith(f"error: run {verb}: the hosted Flows service has no call")
        assert len(refused.stderr.splitlines()) == 1
    other = headrace("run", "undo", "--at", "globus")
    assert other.returncode in (1, 4)


def test_a_run_that_ends_at_once_after_its_release_was_released(
    headrace: Command, project: Project
) -> None:
    states = {"A": {"Type": "Wait", "Seconds": 2, "Next": "B"}, "B": {"Type": "Pass", "End": True}}
    write_flow(project.root, "brief", {"StartAt": "A", "States": states})
    assert headrace("deploy", "brief").returncode == 0
    [run_id] = start(project, "brief", [BatchedRun({})], "ACTIVE")
    assert outcomes(headrace, "hold", run_id) == {run_id: "changed"}
    while "WaitCompleted" not in headrace("run", "log", run_id, "-F", "json").stdout:
        time.sleep(0.2)
    assert outcomes(headrace, "release", run_id) == {run_id: "changed"}
