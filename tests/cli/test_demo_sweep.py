"""`headrace demo sweep`, as a new user runs it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.adjoint_sources_project import leftovers

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")


def demo(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "headrace.cli", "demo", "sweep", str(directory)]
    return subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=170, check=False
    )


def test_thirty_commands_go_over_two_lanes_and_thirty_more(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    done = demo(directory)
    assert done.returncode == 0, done.stderr
    assert "30 of 30 done" in done.stdout
    results = directory / "data" / "results" / "sweep"
    assert len([*results.glob("*/*/trajectory.txt")]) == 30
    assert [*(directory / "scratch" / "sweep").rglob("trajectory.txt")] == []
    got = subprocess.run(
        [
            *(sys.executable, "-m", "headrace.cli", "-C", str(directory)),
            *("campaign", "get", "sweep", "--to", str(tmp_path / "got")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert got.returncode == 0, got.stderr
    assert len([*(tmp_path / "got").glob("*/trajectory.txt")]) == 30
    assert leftovers(directory) == []

    again = demo(directory, "-F", "json")
    assert again.returncode == 0, again.stderr
    document = json.loads(again.stdout)
    members = document["members"]
    assert len(members) == document["campaign"]["counts"]["done"] == 60
    assert {member["lane"] for member in members} == {"simulation", "analysis"}
    assert all(member["attempts"] == 0 for member in members)
    with (directory / "campaigns" / "sweep.csv").open(newline="") as stream:
        keys = [row["name"] for row in csv.DictReader(stream)]
    assert [member["key"] for member in members] == keys
    # A stronger spring swings more often, a stronger damping less far.
    facts = {member["key"]: member for member in members}
    assert facts["c0.1-k12"]["crossings"] > facts["c0.1-k1"]["crossings"] > 0
    assert abs(facts["c0.1-k1"]["last"]) > abs(facts["c2-k1"]["last"])
    assert leftovers(directory) == []


def test_files_that_are_there_already_are_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "flows" / "sweep" / "flow.toml"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    done = demo(tmp_path)
    assert done.returncode == 1
    assert "flow.toml" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["flows"]
