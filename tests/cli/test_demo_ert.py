"""`headrace demo ert`, as a new user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.adjoint_sources_project import leftovers
from tests.support.optional_packages import skip_without

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
skip_without("pygimli", "ert")

SECTIONS = 4


def demo(directory: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "headrace.cli", "demo", "ert", str(directory)]
    done = subprocess.run(
        [*command, f"--sections={SECTIONS}", "-F", "json"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.timeout(600)
def test_sections_of_three_sites_are_inverted_once(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    document = demo(directory)
    assert document["counts"]["done"] == SECTIONS
    assert document["core_hours"] > 0
    sections = {row["key"]: row for row in document["sections"]}
    assert {row["group"] for row in sections.values()} == {"meadow", "dike", "quarry"}
    assert sections["line03"]["priority"] == 10.0
    for name, row in sections.items():
        assert 0.1 < row["chi2"] < 2.0, name
        assert row["rms"] < 5.0, name
        assert row["converged"], name
        (home,) = (Path(document["results"]) / name).iterdir()
        assert json.loads((home / "result.json").read_text())["facts"]["chi2"] == row["chi2"]
        assert (home / "model.vtk").is_file()
    assert [*(directory / "scratch").rglob("model.npz")] == []
    assert leftovers(directory) == []

    models = {path: path.stat().st_mtime_ns for path in directory.rglob("model.npz")}
    again = demo(directory)
    assert again["counts"]["done"] == SECTIONS
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("model.npz")} == models
    assert leftovers(directory) == []
