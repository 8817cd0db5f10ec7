"""`headrace demo data-run`, as a new user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.adjoint_sources_project import leftovers

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
uproot = pytest.importorskip("uproot", reason="needs the extra `datarun`")

CHANNELS = 8


@pytest.mark.timeout(600)
def test_a_run_comes_back_as_histograms_and_pictures(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    command = [sys.executable, "-m", "headrace.cli", "demo", "data-run", str(directory)]
    done = subprocess.run(
        [*command, "-F", "json"], capture_output=True, text=True, timeout=550, check=False
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    [run] = document["data_runs"]
    assert (run["name"], run["status"], run["segments"]) == ("run0001", "SUCCEEDED", 4)
    assert run["lag"] > 0
    # Every channel is listed, and every trace fitted.
    [result] = document["results"]
    summary = json.loads((Path(result) / "run-0001-summary.json").read_text())
    assert run["events"] == summary["events"] == 8000
    assert run["traces"] == summary["hits"]
    assert run["traces_per_second"] > 0
    assert len(document["pictures"]) == CHANNELS + 1
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in document["pictures"])
    with uproot.open(Path(result) / "run-0001-sorted.root") as file:
        piled = [file[key].values().sum() for key in file if key.endswith("pile_up;1")]
    assert len(piled) == CHANNELS
    # A tenth of the traces holds two pulses, and a fit that finds none or all would be no fit.
    assert 0.03 * run["traces"] < sum(piled) < 0.3 * run["traces"]
    assert leftovers(directory) == []
