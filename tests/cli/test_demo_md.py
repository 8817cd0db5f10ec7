"""`headrace demo md`, as a new user runs it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.adjoint_sources_project import leftovers

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
if shutil.which("gmx") is None and importlib.util.find_spec("openmm") is None:
    pytest.skip("needs gmx, or the extra `md`", allow_module_level=True)

BOXES = 2


@pytest.mark.timeout(600)
def test_simulations_reach_their_target_in_three_legs(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    command = [sys.executable, "-m", "headrace.cli", "demo", "md", str(directory)]
    done = subprocess.run(
        [*command, f"--boxes={BOXES}", "-F", "json"],
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["counts"]["done"] == BOXES
    assert document["core_hours"] > 0
    assert [box["name"] for box in document["simulations"]] == ["box01", "box02"]
    for box in document["simulations"]:
        assert (box["legs"], box["step"], box["frames"]) == (3, 3000, 31)
        assert box["faults"] == []
        assert 240 < box["temperature_k"] < 360
        assert Path(box["picture"]).read_bytes().startswith(b"\x89PNG")
    # A graft for each leg, beside the next one.
    pictures = (directory / "data" / "results" / "md").glob("*/*/quicklook.png")
    assert len(list(pictures)) == 3 * BOXES
    got = subprocess.run(
        [
            *command[:3],
            "-C",
            str(directory),
            "campaign",
            "get",
            "md",
            "--to",
            str(tmp_path / "got"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert got.returncode == 0, got.stderr
    for name in ("box01", "box02"):
        legs = sorted((tmp_path / "got" / name).glob("*/leg.json"))
        assert [json.loads(leg.read_text())["step"] for leg in legs] == [1000, 2000, 3000]
        status = subprocess.run(
            [*command[:3], "md", "status", str(tmp_path / "got" / name), "--files"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert status.returncode == 0, status.stderr
        # Parts of all legs, where the legs were brought to.
        assert all(f"{leg.parent.name}/parts/" in status.stdout for leg in legs)
    assert leftovers(directory) == []
