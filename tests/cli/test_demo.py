"""`headrace demo adjoint-sources`, as a new user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.adjoint_sources_project import leftovers

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")


def demo(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "headrace.cli", "demo", "adjoint-sources", str(directory)]
    return subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=170, check=False
    )


@pytest.mark.mpi
def test_two_events_come_back_with_adjoint_sources_figures_and_a_table(tmp_path: Path):
    directory = tmp_path / "demo"
    done = demo(directory)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("SUCCEEDED") == 2
    rows = [line for line in done.stdout.splitlines() if line.startswith(("001 ", "002 "))]
    assert len(rows) == 20
    for event in ("001", "002"):
        results = directory / "data" / "results" / event
        assert len(list(results.glob("*.adj"))) == 10
        assert all(file.stat().st_size > 10_000 for file in (results / "figures").glob("*.png"))
        assert json.loads((results / "summary.json").read_text())["windows"] >= 10
    assert leftovers(directory) == []

    again = demo(directory, "-F", "json")
    assert again.returncode == 0, again.stderr
    document = json.loads(again.stdout)
    assert [Path(path).name for path in document["results"]] == ["003", "004"]
    assert leftovers(directory) == []


def test_files_that_are_there_already_are_left_alone(tmp_path: Path):
    mine = tmp_path / "triggers" / "adjoint_sources.toml"
    mine.parent.mkdir()
    mine.write_text("mine")
    done = demo(tmp_path)
    assert done.returncode == 1
    assert "adjoint_sources.toml" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["triggers"]
    assert mine.read_text() == "mine"
