"""Projects with one pipeline, made and deployed with the installed program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headrace.facility import stop_facility
from tests.support.command_walk.installed_program import Program

_NO_EXTRAS = """
import sys

ABSENT = {
    "awkward", "devito", "globus_compute_endpoint", "h5py", "hist", "matplotlib", "mpi4py", "numba",
    "numpy", "obspy", "parsl", "pyadjoint", "pyarrow", "pyflex", "pytest", "scipy", "uproot",
}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""
"""Packages that extras bring cannot be imported by a process that begins with this."""


@pytest.mark.parametrize(
    ("name", "changes"),
    [("adjoint_sources", 2), ("inversion", 4), ("data_run", 4), ("minimal", 1)],
)
def test_a_project_with_one_pipeline_is_deployed(tmp_path: Path, name: str, changes: int) -> None:
    headrace = Program(tmp_path, {"HOME": str(tmp_path)}, set())
    try:
        assert "Made a project of" in headrace("init", "--for", name).stdout
        assert headrace("flow", "check").stdout == "No findings.\n"
        planned = headrace("deploy", "--dry-run", "--no-diff").stdout
        assert planned.endswith("at local, none made (--dry-run)\n")
        deployed = headrace("deploy").stdout.splitlines()
        assert deployed[-1].startswith(f"{changes} change")
        assert headrace("deploy").stdout.splitlines()[-1] == "nothing to change at local"
    finally:
        stop_facility(tmp_path)


def test_the_next_commands_are_those_of_what_was_made(tmp_path: Path) -> None:
    headrace = Program(tmp_path, {"HOME": str(tmp_path)}, set())
    made = headrace("init", "sweeps", "--for", "sweep").stdout
    assert "headrace campaign check sweep " in made
    assert "trigger list" not in made
    made = headrace("init", "events", "--for", "data_run").stdout
    assert "headrace trigger list " in made
    assert "campaign check" not in made


def test_the_smallest_project_runs_without_any_extra(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(_NO_EXTRAS)
    project = tmp_path / "project"
    project.mkdir()
    headrace = Program(project, {"HOME": str(tmp_path), "PYTHONPATH": str(hidden)}, set())
    seen = subprocess.run(
        [sys.executable, "-c", "import numpy"], env=headrace.environment, capture_output=True
    )
    assert b"No module named 'numpy'" in seen.stderr
    try:
        headrace("init", "--for", "minimal")
        headrace("deploy")
        done = headrace("start", "minimal", "-s", "name=world", "--wait", "-F", "json")
        assert "Hello, world!" in done.stdout
    finally:
        stop_facility(project)
