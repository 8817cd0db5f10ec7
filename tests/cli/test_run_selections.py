"""Runs that are chosen by conditions and changed together, through the command and a facility."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility
from headrace.project import Project, connect, load_project
from headrace.runs import BatchedRun
from headrace.runs.change_record import ChangeRecords
from tests.support.chosen_runs import FLOWS, failing, listed, start, write_flow
from tests.support.command_process import Command, command_in, document
from tests.support.waiting import wait_until

MENDED = {"StartAt": "Stop", "States": {"Stop": {"Type": "Pass", "End": True}}}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("project")
    (root / "headrace.toml").write_text(
        '[selections.lost]\nstatus = ["FAILED"]\ncause = ["node * was lost"]\nsince = "1d"\n'
    )
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


def test_each_condition_chooses_its_runs(headrace: Command, project: Project) -> None:
    causes = ("node n41 was lost", "node n42 was lost", "no space left on device", "50% *done?")
    lost, other, space, odd = start(project, "fail", failing(*causes, tag="shift 1"), "FAILED")
    [good] = start(project, "good", [BatchedRun({}, tags=["shift 1"])], "SUCCEEDED")
    mine = ("--tag", "shift 1")
    assert listed(headrace, *mine) == {lost, other, space, odd, good}
    assert listed(headrace, "--tag", "shift*", "--flow", "good") == {good}
    assert listed(headrace, *mine, "--flow", "good", "--flow", "fail") == {
        *(lost, other, space, odd, good)
    }
    assert listed(headrace, *mine, "--status", "succeeded") == {good}
    assert listed(headrace, *mine, "--cause", "node * was lost") == {lost, other}
    assert listed(headrace, *mine, "--cause", "SPACE LEFT") == {space}
    assert listed(headrace, *mine, "--cause", "space*") == set()
    assert listed(headrace, *mine, "--cause", r"50% \*done\?") == {odd}
    assert listed(headrace, *mine, "--label", "node n4") == {lost, other}
    assert listed(headrace, *mine, "--label", "node n41*") == {lost}
    assert listed(headrace, *mine, "--since", "1h") == {lost, other, space, odd, good}
    assert listed(headrace, *mine, "--until", "1h") == set()
    assert listed(headrace, *mine, "--selection", "lost") == {lost, other}
    assert listed(headrace, *mine, "--selection", "lost", "--cause", "no space*") == {space}
    assert listed(headrace, lost[:13], good, "--status", "FAILED") == {lost}
    counts = {"runs": 5, "FAILED": 4, "SUCCEEDED": 1}
    assert document(headrace, "run", "list", *mine, "--count") == counts
    # More causes than a facility takes in one call.
    many = [part for number in range(101) for part in ("--cause", f"cause {number}")]
    counted = document(headrace, "run", "list", "--count", *mine, *many, "--cause", "space")
    assert counted == {"runs": 1, "FAILED": 1}
    both = {"runs": 2, "FAILED": 1, "SUCCEEDED": 1}
    assert document(headrace, "run", "list", "--count", lost, good) == both


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("cancel",), 2, "no run is given: name some"),
        (("retry", "--yes"), 2, "no run is given: name some"),
        (("list", "--since", "soon"), 1, "'soon' is no time: write 90m, 2h, 3d or 1w (ago)"),
        (("list", "--selection", "last"), 1, "headrace.toml: there is no [selections.last]: did"),
        (("list", "--endpoint", "nowhere"), 1, "nowhere"),
        (("tag", "--status", "FAILED"), 2, "no change is given: --add TAG or --remove TAG"),
        (("retry", "--status", "FAILED", "--result", "-"), 2, "name that run alone"),
        (("tag", "--label", "", "--add", "z"), 2, "--label: its value is blank"),
        (("delete", "-y", "--tag", " "), 2, "--tag: its value is blank"),
        (("delete", "-y", "--cause", ""), 2, "--cause: its value is blank"),
        (("cancel", "-y", "--status", "ACTIVE", "--since", ""), 2, "--since: its value is blank"),
        (("cancel", "-y", "--until", " "), 2, "--until: its value is blank"),
        (("retry", "-y", "--flow", ""), 2, "--flow: its value is blank"),
        (("retry", "-y", "--endpoint", ""), 2, "--endpoint: its value is blank"),
        (("list", "--selection", ""), 2, "--selection: its value is blank"),
        (("delete", "-y", "", "last"), 2, "RUN: its value is blank"),
    ],
)
def test_a_selection_that_is_none_is_refused(
    headrace: Command, arguments: tuple[str, ...], code: int, words: str
) -> None:
    refused = headrace("run", *arguments)
    assert refused.returncode == code
    [line] = refused.stderr.strip().splitlines()
    assert words in line
    assert refused.stdout == ""


def test_more_than_ten_are_asked_for_and_nobody_is_there(
    headrace: Command, project: Project
) -> None:
    ids = start(project, "later", [BatchedRun({}, tags=["many"])] * 11, "ACTIVE")
    refused = headrace("run", "cancel", "--tag", "many", stdin="y\n")
    assert refused.returncode == 2
    [line] = refused.stderr.strip().splitlines()
    assert "Cancel 11 runs (11 ACTIVE; 11 The flow later)?" in line
    assert "give --yes" in line
    assert listed(headrace, "--tag", "many", "--status", "ACTIVE") == set(ids)
    done = document(headrace, "run", "cancel", *ids[:10])
    assert done["counts"] == {"changed": 10}
    done = document(headrace, "run", "cancel", "--tag", "many", "--yes")
    assert done["counts"] == {"changed": 1, "skipped": 10}
    assert listed(headrace, "--tag", "many", "--status", "ACTIVE") == set()


def test_one_that_fails_stops_no_other(headrace: Command, project: Project) -> None:
    ended = start(project, "good", [BatchedRun({}, tags=["mixed"])] * 2, "SUCCEEDED")
    [active] = start(project, "later", [BatchedRun({}, tags=["mixed"])], "ACTIVE")
    nobody = "-".join("0" * n for n in (8, 4, 4, 4, 12))
    done = headrace("-F", "json", "run", "delete", ended[0], active, nobody, ended[1], "--yes")
    assert done.returncode == 1
    outcomes = {each["run_id"]: each for each in json.loads(done.stdout)["runs"]}
    assert outcomes[ended[0]]["status"] == outcomes[ended[1]]["status"] == "changed"
    assert outcomes[active]["message"] == "it has not ended: it is ACTIVE"
    assert outcomes[nobody]["message"] == "no run has this id"
    assert listed(headrace, "--tag", "mixed") == {active}
    resumed = headrace("-F", "unix", "run", "resume", active, nobody)
    assert resumed.returncode == 1
    assert f"{active}\tchanged\t\tresumed" in resumed.stdout.splitlines()


def test_tags_are_added_and_removed(headrace: Command, project: Project) -> None:
    ids = start(project, "good", [BatchedRun({}, tags=["old"])] * 3, "SUCCEEDED")
    done = document(headrace, "run", "tag", "--tag", "old", "--add", "new", "--remove", "old")
    assert done["counts"] == {"changed": 3}
    assert listed(headrace, "--tag", "new") == set(ids)
    assert listed(headrace, "--tag", "old") == set()


def test_what_a_retry_has_mended_is_not_retried(headrace: Command, root: Path) -> None:
    project = load_project(root)
    causes = ("disk full", "disk full", "out of memory")
    runs = start(project, "mended", failing(*causes, tag="mend"), "FAILED")
    write_flow(root, "mended", MENDED)
    assert headrace("deploy", "mended").returncode == 0
    chosen = ("--tag", "mend", "--status", "FAILED", "--cause", "disk full")
    done = document(headrace, "run", "retry", *chosen, "--latest")
    assert done["counts"] == {"changed": 2}
    new = {each["run_id"]: each["new_run_id"] for each in done["runs"]}
    assert new.keys() == set(runs[:2])
    for run_id in new.values():
        assert headrace("run", "wait", run_id).returncode == 0
    again = document(headrace, "run", "retry", *chosen, "--latest")
    assert again["counts"] == {"skipped": 2}
    assert {each["message"] for each in again["runs"]} == {f"mended by {i}" for i in new.values()}
    shown = headrace("run", "show", runs[0]).stdout
    assert f"Retried: by {new[runs[0]]}, SUCCEEDED" in " ".join(shown.split())
    assert "headrace run retry" not in shown
    assert re.search(r"\nStates:\n  Stop +[0-9:]+  failed$", shown.rstrip())
    refused = headrace("run", "retry", runs[0])
    assert refused.returncode == 1
    assert f"run {runs[0]} was mended by {new[runs[0]]}: --again" in refused.stderr
    assert listed(headrace, "--tag", "mend", "--unmended") == {runs[2]}
    rows = {run["run_id"]: run for run in document(headrace, "run", "list", "--tag", "mend")}
    assert rows[runs[0]]["mended_by"] == new[runs[0]]
    assert rows[runs[2]]["mended_by"] is rows[runs[2]]["retried_by"] is None
    assert f"mended by {new[runs[0]][:8]}" in headrace("run", "list", "--tag", "mend").stdout
    assert document(headrace, "run", "retry", runs[0], "--again")["retry_of"]["run_id"] == runs[0]


def test_a_chain_of_retries_is_one_item(headrace: Command, project: Project) -> None:
    [first] = start(project, "fail", failing("worn out", tag="chain"), "FAILED")
    chosen = ("--tag", "chain", "--status", "FAILED")
    [once] = document(headrace, "run", "retry", *chosen)["runs"]
    second = once["new_run_id"]
    assert headrace("run", "wait", second).returncode == 1
    outcomes = document(headrace, "run", "retry", *chosen)
    assert outcomes["counts"] == {"changed": 1, "skipped": 1}
    by_run = {each["run_id"]: each for each in outcomes["runs"]}
    assert by_run[second]["status"] == "changed"
    assert by_run[first]["message"].startswith(f"taken up by {second}")


def test_why_names_the_causes_and_the_command_that_retries_each(
    headrace: Command, project: Project
) -> None:
    causes = [f"node n{7 if n < 9 else n} was lost" for n in range(10)]
    causes += [f"/scratch/{n}: no space left" for n in range(4)]
    start(project, "fail", failing(*causes, tag="why"), "FAILED")
    start(project, "good", [BatchedRun({"cause": "none"}, tags=["why"])] * 5, "SUCCEEDED")
    lost, space = document(headrace, "run", "why", "--tag", "why")
    assert (lost["count"], lost["cause"]) == (10, "node n<number> was lost")
    assert (space["count"], space["cause"]) == (4, "<path>: no space left")
    assert space["states"] == {"Stop": 4}
    assert lost["command"] == (
        "headrace run retry --status FAILED --tag why --cause 'node n* was lost*'"
    )
    shown = headrace("run", "why", "--tag", "why").stdout
    assert shown.startswith("14 failed runs, 2 causes:\n\n10 x node n<number> was lost (Broken)\n")
    assert f"again: {lost['command']}\n" in shown
    done = document(headrace, "run", "retry", "--tag", "why", "--cause", "node n* was lost*")
    assert {each["run_id"] for each in done["runs"]} == set(lost["run_ids"])
    nothing = headrace("run", "why", "--tag", "nowhere")
    assert nothing.stdout == "No failed run matches.\n"


def test_an_interrupted_retry_is_finished_and_starts_nothing_twice(
    headrace: Command, root: Path, project: Project
) -> None:
    runs = start(project, "fail", failing(*["cut off"] * 30, tag="killed"), "FAILED")
    arguments = ("run", "retry", "--tag", "killed", "--status", "FAILED", "--yes")
    killed = subprocess.Popen(
        [sys.executable, "-m", "headrace.cli", *arguments], cwd=root, stdout=subprocess.DEVNULL
    )
    services = connect(project, "local")

    def retries() -> list[dict[str, Any]]:
        query = {"filter_tag": "killed", "filter_retries": "true", "per_page": 100}
        return list(services.read_items("/runs", "runs", query))

    wait_until(lambda: retries() or killed.poll() is not None, "the first retry", interval=0.001)
    killed.kill()
    killed.wait()
    record = ChangeRecords(project).last()
    assert record is not None
    if record.finished:
        pytest.skip("it had ended before it could be killed")
    done = headrace("-F", "json", *arguments)
    assert done.returncode == 0, done.stderr
    assert "this goes on with the same change of 30 runs" in done.stderr
    assert json.loads(done.stdout)["counts"] == {"changed": 30}
    found = [run["retry_of"]["run_id"] for run in retries()]
    assert sorted(found) == sorted(runs)
