"""`headrace demo inversion`, as a new user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.optional_packages import skip_without

skip_without("devito", "inversion")
pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")


@pytest.mark.slow
@pytest.mark.mpi
@pytest.mark.timeout(1800)
def test_the_checkerboard_is_found(tmp_path: Path):
    directory = tmp_path / "demo"
    command = [sys.executable, "-m", "headrace.cli", "demo", "inversion", str(directory)]
    done = subprocess.run([*command, "-F", "json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["state"] == "finished"
    assert told["model_error"] < 0.5
    assert [row["band"] for row in told["iterations"]] == [
        *["long"] * 3,
        *["middle"] * 3,
        *["short"] * 4,
    ]
    assert all(Path(path).is_file() for path in (*told["models"], *told["pictures"]))
