"""Chains through the installed program: the end of a run starts another, once, and not for ever."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until
from tests.support.watch_project import Long, run

pytestmark = pytest.mark.timeout(900)

RESULT = {"summary": {"path": "/out/a.h5", "number": 3, "bands": [1.5, 2]}}
FIRST = {
    "StartAt": "Work",
    "States": {
        "Work": {"Type": "Pass", "Parameters": RESULT, "ResultPath": "$.work", "End": True},
    },
}
SECOND = {"StartAt": "Rest", "States": {"Rest": {"Type": "Pass", "End": True}}}
AFTER = """
title = "After the first"
[after]
flow = "first"
interval = 0.2
[start]
flow = "second"
label = "second of {name}"
[start.input]
run = "{run_id}"
words = "{flow} {status} {output.work.summary.number}"
path = "{output.work.summary.path}"
summary = "{output.work.summary}"
band = "{output.work.summary.bands.1}"
"""


def write_flow(root: Path, name: str, definition: Any) -> None:
    (root / "flows" / name).mkdir(parents=True)
    (root / "flows" / name / "definition.json").write_text(json.dumps(definition))


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "project"
    (root / "triggers").mkdir(parents=True)
    (root / "headrace.toml").write_text("")
    write_flow(root, "first", FIRST)
    write_flow(root, "second", SECOND)
    (root / "triggers/chain.toml").write_text(AFTER)
    deployed = run("deploy", "-C", str(root))
    assert deployed.returncode == 0, deployed.stderr
    yield root
    run("facility", "down", "-C", str(root))


def shown(root: Path, *arguments: str) -> Any:
    done = run(*arguments, "-F", "json", "-C", str(root))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def started(root: Path, flow: str, label: str) -> str:
    """Start a run, wait for its end, and return its id."""
    done = run("start", flow, "--label", label, "--wait", "-F", "json", "-C", str(root))
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["run_id"])


def runs_of(root: Path, flow: str) -> list[Any]:
    return list(shown(root, "run", "list", "--flow", flow, "--limit", "100"))


def test_the_end_of_a_run_starts_another_once(root: Path, tmp_path: Path) -> None:
    before = started(root, "first", "before")
    watch = Long(root, tmp_path / "log", "watch")
    watch.says("chain: follows runs after first: SUCCEEDED; what ended before it was first")
    run_id = started(root, "first", "one")
    watch.says(f"{run_id}: complete, run ")
    assert f"{run_id} (one): first SUCCEEDED, for chain" in watch.text
    os.killpg(watch.process.pid, signal.SIGKILL)
    watch.process.wait()
    away = [started(root, "first", name) for name in ("two", "three")]
    again = Long(root, tmp_path / "again", "watch")
    for each in away:
        again.says(f"{each}: complete, run ")
    assert again.ended_by(signal.SIGTERM) == 0
    once = run("watch", "--once", "-C", str(root))
    assert once.returncode == 0, once.stderr
    arrivals = shown(root, "trigger", "arrivals", "chain")
    assert [one["name"] for one in arrivals] == [run_id, *away]
    assert all(one["state"] == "started" and one["chain_depth"] == 1 for one in arrivals)
    assert before not in once.stdout
    seconds = runs_of(root, "second")
    assert sorted(one["label"] for one in seconds) == [
        "second of one",
        "second of three",
        "second of two",
    ]
    (of_one,) = [one for one in seconds if one["label"] == "second of one"]
    assert "chain:1" in of_one["tags"]
    document = shown(root, "run", "show", of_one["run_id"])
    output = document["details"]["output"]
    assert output == {
        "run": run_id,
        "words": "first SUCCEEDED 3",
        "path": "/out/a.h5",
        "summary": RESULT["summary"],
        "band": 2,
    }
    replayed = run("trigger", "replay", "chain", run_id, "-C", str(root))
    assert replayed.returncode == 0, replayed.stderr
    assert run("watch", "--once", "-C", str(root)).returncode == 0
    labels = [one["label"] for one in runs_of(root, "second")]
    assert labels.count("second of one") == 2
    assert len(labels) == 4


def test_what_a_watch_starts_is_followed_to_the_end_of_the_chain(root: Path) -> None:
    """--once ends when nothing is left that an end starts; another chain goes on from there."""
    write_flow(root, "third", SECOND)
    assert run("deploy", "-C", str(root)).returncode == 0
    text = '[after]\nflow = ["second"]\ninterval = 600\nexisting = "run"\n[start]\nflow = "third"\n'
    (root / "triggers/last.toml").write_text(text)
    file = root / "triggers/chain.toml"
    file.write_text(file.read_text().replace("interval = 0.2", 'interval = 600\nexisting = "run"'))
    started(root, "first", "one")
    once = run("watch", "--once", "-C", str(root))
    assert once.returncode == 0, once.stderr
    (third,) = runs_of(root, "third")
    assert third["label"] == "second of one"
    assert third["status"] == "SUCCEEDED"
    (arrival,) = shown(root, "trigger", "arrivals", "last")
    assert arrival["chain_depth"] == 2


def test_a_circle_is_a_finding_and_ends_where_it_is_meant_to(root: Path, tmp_path: Path) -> None:
    back = '[after]\nflow = "second"\ninterval = 0.2\n[start]\nflow = "first"\n'
    (root / "triggers/back.toml").write_text(back)
    for names in ((), ("chain",), ("back",)):
        refused = run("watch", *names, "-C", str(root))
        assert refused.returncode == 1
        (line,) = refused.stderr.splitlines()
        assert "after.flow: runs start each other without end, by triggers " in line
        assert "write after.max_depth" in line
    (root / "triggers/back.toml").write_text(back.replace("0.2", "0.2\nmax_depth = 4"))
    checked = run("trigger", "check", "-C", str(root))
    assert checked.returncode == 0, checked.stderr
    watch = Long(root, tmp_path / "log", "watch")
    watch.says("back: follows runs")
    watch.says("chain: follows runs")
    started(root, "first", "x")
    watch.says("4 runs in a row were each started by the end of the one before")
    assert watch.ended_by(signal.SIGTERM) == 0
    arrivals = shown(root, "trigger", "arrivals")
    assert sorted((one["chain_depth"], one["state"]) for one in arrivals) == [
        *((1, "started"), (2, "started"), (3, "started"), (4, "started")),
        *((5, "started"), (6, "refused")),
    ]
    assert len(runs_of(root, "first")) == 3
    assert len(runs_of(root, "second")) == 3


def test_a_value_that_the_output_has_not_is_refused_and_mended(root: Path) -> None:
    file = root / "triggers/chain.toml"
    good = file.read_text().replace("interval = 0.2", 'interval = 0.2\nexisting = "run"')
    file.write_text(good.replace("summary.path", "sumary.path"))
    run_id = started(root, "first", "one")
    once = run("watch", "--once", "-C", str(root))
    assert once.returncode == 1
    reason = "{output.work.sumary.path}: output.work of the run has no 'sumary'"
    assert f"{run_id}: refused: {reason}" in once.stderr
    (arrival,) = shown(root, "trigger", "arrivals", "chain")
    assert (arrival["state"], arrival["reason"], arrival["attempts"]) == ("refused", reason, 1)
    file.write_text(good)
    assert run("trigger", "retry", "chain", "-C", str(root)).returncode == 0
    once = run("watch", "--once", "-C", str(root))
    assert once.returncode == 0, once.stderr
    (second,) = runs_of(root, "second")
    assert second["label"] == "second of one"


def test_a_chain_is_shown_checked_tried_and_paused(root: Path) -> None:
    (listed,) = shown(root, "trigger", "list")
    assert (listed["after"], listed["what"]) == ("after first: SUCCEEDED", "end of a run")
    assert "after first: SUCCEEDED" in run("trigger", "list", "-C", str(root)).stdout
    assert "Nothing is wrong with chain" in run("trigger", "check", "-C", str(root)).stdout
    none = run("trigger", "test", "chain", "last", "-C", str(root))
    assert none.returncode == 1
    assert "no run of first has ended" in none.stderr
    run_id = started(root, "first", "one")
    for words in ("last", run_id, run_id[:8]):
        tried = shown(root, "trigger", "test", "chain", words)
        assert tried["input"]["summary"] == RESULT["summary"]
        assert (tried["label"], tried["path"]) == ("second of one", f"after/{run_id}")
    other = started(root, "second", "other")
    refused = run("trigger", "test", "chain", other, "-C", str(root))
    assert f"run {other}: is no run of first, which trigger chain follows" in refused.stderr
    by_hand = run("start", "--trigger", "chain", run_id, "-C", str(root))
    assert by_hand.returncode == 1
    assert "trigger chain follows ends of runs" in by_hand.stderr
    file = root / "triggers/chain.toml"
    file.write_text(file.read_text().replace("interval = 0.2", 'interval = 0.2\nexisting = "run"'))
    assert run("trigger", "pause", "chain", "-C", str(root)).returncode == 0
    assert run("watch", "--until-idle", "2", "-C", str(root)).returncode == 1
    (arrival,) = shown(root, "trigger", "arrivals", "chain")
    assert arrival["state"] == "waiting"
    assert run("trigger", "skip", "chain", run_id, "-C", str(root)).returncode == 0
    assert run("trigger", "resume", "chain", "-C", str(root)).returncode == 0
    assert run("watch", "--once", "-C", str(root)).returncode == 0
    assert runs_of(root, "second")[0]["label"] == "other"
    assert run("trigger", "run", "chain", run_id, "-C", str(root)).returncode == 0
    assert run("watch", "--once", "-C", str(root)).returncode == 0
    assert runs_of(root, "second")[0]["label"] == "second of one"


@pytest.mark.parametrize(
    ("before", "wrong", "message"),
    [
        ('flow = "first"', 'flow = "frist"', "after.flow: no flow 'frist' in "),
        ('flow = "first"', "flow = []", "the name of a flow, or a list of them"),
        ('flow = "first"', 'flow = "first"\nstatus = "DONE"', '"DONE" must be "SUCCEEDED", '),
        ('flow = "first"', 'flow = "first"\nmax_depth = 0', "after.max_depth"),
        ("{run_id}", "{folder}", "unknown placeholder {folder}"),
        ("[after]", '[every]\ninterval = "1h"\n[after]', "needs one of [watch], [every] and [aft"),
        ("[start]", '[afterwards]\nmove = "/x/"\n[start]', "the end of a run has nothing to move"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    root: Path, before: str, wrong: str, message: str
) -> None:
    file = root / "triggers/chain.toml"
    file.write_text(AFTER.replace(before, wrong, 1))
    refused = run("trigger", "check", "-C", str(root))
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert message in line, line


def test_a_service_that_is_away_is_asked_again(root: Path, tmp_path: Path) -> None:
    watch = Long(root, tmp_path / "log", "watch")
    watch.says("chain: follows runs")
    assert run("facility", "down", "-C", str(root)).returncode == 0
    # The watch starts the facility again by itself, mostly after it has asked it in vain.
    words = ("cannot ask which runs of first have ended", "starting the facility")
    wait_until(lambda: any(each in watch.text for each in words), "that it is away", 120)
    assert run("facility", "up", "-C", str(root)).returncode == 0
    run_id = started(root, "first", "one")
    wait_until(lambda: f"{run_id}: complete, run " in watch.text, "the run of the end", 200)
    assert watch.ended_by(signal.SIGTERM) == 0
