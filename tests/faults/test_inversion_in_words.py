"""A whole inversion on the facility in which everything goes wrong once.

Its settings alone are edited; every mistake ends, or is gone over, in words.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")
pytest.importorskip("mpi4py", reason="needs the extra `mpi`")

import h5py
import numpy as np

from headrace.facility import stop_facility
from headrace.seismic.models import FieldReader, read_model
from tests.support.inversion_project import HEADRACE, InversionProject

BAND = """[[bands]]
name = "{name}"
periods = [{shortest}, 2.0]
iterations = 1

"""
# The job script of a machine on which one node of two has lost its file system, once.
ONE_RANK_FAILS = """
import os, pathlib, sys
gone = pathlib.Path(__file__).with_name("node_was_mended")
if os.environ.get("PMI_RANK") == "1" and not gone.exists():
    import headrace.seismic.inversion.simulation_stages as work
    def stale(*_):
        gone.touch()
        raise OSError(116, "Stale file handle", "/scratch/node2")
    work.process_windows = stale
"""

# A solver whose time step breaks in a model that no check could foresee.
FIRST_TRIAL_IS_REFUSED = """
from headrace.seismic.errors import ModelRefused
from headrace.seismic.solvers.backends.rays import RaySolver
computed = RaySolver.forward
def forward(self, run):
    if run.model.name == "003_trial_01.h5":
        raise ModelRefused("dt is unstable in this model; at most 0.001 s can be used")
    computed(self, run)
RaySolver.forward = forward
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[InversionProject]:
    project = InversionProject(tmp_path / "project", events=2)
    yield project
    stop_facility(project.root)


def inversion(project: InversionProject, *words: str, code: int = 0) -> Any:
    command = [*HEADRACE, "inversion", *words, "-F", "json"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def change(project: InversionProject, *pairs: tuple[str, str]) -> None:
    text = project.home.settings.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    project.home.settings.write_text(text)


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_mistake_ends_or_goes_on_in_words(project: InversionProject) -> None:
    home = project.home
    # Names of one's own, three bands, a bound that the first trial breaks, two ranks.
    change(
        project,
        ('name = "long"', 'name = "p-3_1"'),
        ('name = "short"', 'name = "p-3_2"'),
        ("iterations = 2", "iterations = 1"),
        ("[misfit]\n", BAND.format(name="p-3_3", shortest=0.15) + "[misfit]\n"),
        ("[1000.0, 4000.0]", "[1000.0, 2010.0]"),
        ("[resources.windows]\n", "[resources.windows]\nranks = 2\n"),
    )

    # A NaN in the model.
    with h5py.File(home.model(0), "r+") as file:
        value = file["fields/vp"][5, 7]
        file["fields/vp"][5, 7] = np.nan
    error = inversion(project, "start", code=1)
    assert "000.h5: field vp is not finite (nan) at z = 500 m, x = 700 m" in error
    assert project.runs() == []
    with h5py.File(home.model(0), "r+") as file:
        file["fields/vp"][5, 7] = value
    assert inversion(project, "check")["band"] == "p-3_1"
    inversion(project, "start")
    told = inversion(project, "status")
    assert told["state"] == "waiting"
    assert "no `headrace watch` is on to run it" in told["reason"]

    # One rank fails: the job ends at once and says which; the run is taken up again.
    script = project.root / "job_scripts" / "inversion.py"
    text = script.read_text()
    script.write_text(text.replace("if __name__", ONE_RANK_FAILS + "\nif __name__"))
    assert project.watch() == 1
    told = inversion(project, "status")
    assert told["state"] == "failed"
    assert "rank 1" in told["reason"]
    assert "/scratch/node2: Stale file handle" in told["reason"]
    assert "`headrace inversion resume --again`" in told["reason"]
    assert f"`headrace run retry {told['run_id'][:8]}`" in told["reason"]
    for words in (("retry", told["run_id"]), ("wait", "last")):
        command = [*HEADRACE, "run", *words]
        subprocess.run(command, cwd=project.root, capture_output=True, check=True)
    assert project.watch() == 0

    # It ends after its three bands, within its bounds.
    told = inversion(project, "status")
    assert (told["state"], told["reason"]) == ("finished", "the last band is done")
    assert [row["band"] for row in told["iterations"]] == ["p-3_1", "p-3_2", "p-3_3"]
    for number in range(1, 4):
        assert read_model(home.model(number)).fields["vp"].max() <= 2010.0
    assert "add a band" in inversion(project, "resume", code=1)

    # A band is added after the end; its first trial is a model that the solver refuses.
    change(project, ("[misfit]\n", BAND.format(name="p-3_4", shortest=0.12) + "[misfit]\n"))
    told = inversion(project, "status")
    assert "`headrace inversion resume` begins iteration 3 in band p-3_4" in told["reason"]
    assert "bands" in {row["key"] for row in told["changes"]}
    assert inversion(project, "resume")["iteration"] == 3
    script.write_text(text.replace("if __name__", FIRST_TRIAL_IS_REFUSED + "\nif __name__"))
    assert project.watch() == 0
    last = inversion(project, "status")["iterations"][-1]
    assert (last["band"], last["outcome"]) == ("p-3_4", "finished")
    first, second = last["trials"][:2]
    assert first["misfit"] is None
    assert "event 001: dt is unstable in this model" in first["problem"]
    assert second["step"] == 0.5 * first["step"]
    assert last["misfit_after"] < last["misfit"]

    # Another one, in which whole samples are counted and steps are tiny: nothing is to be gained.
    change(
        project,
        ("[misfit]\n", BAND.format(name="p-3_5", shortest=0.2) + "[misfit]\n"),
        ('adjoint_source = "waveform"', 'adjoint_source = "cc_traveltime"'),
        ("max_relative_model_change = 0.03", "max_relative_model_change = 1e-6"),
        ("sigma = 0.1", "sigma = 0.0"),
    )
    assert inversion(project, "resume")["iteration"] == 4
    assert project.watch() == 0
    told = inversion(project, "status")
    last = told["iterations"][-1]
    assert (last["band"], last["kept"], told["state"]) == ("p-3_5", True, "finished")
    assert told["reason"].startswith("model kept: the ")
    assert last["misfit_after"] == last["misfit"]
    with FieldReader(home.model(4)) as one, FieldReader(home.model(5)) as other:
        assert one.content == other.content
    assert all(run["status"] in ("SUCCEEDED", "FAILED") for run in project.runs())
    reports = inversion(project, "report")["files"]
    assert "dt is unstable in this model" in Path(reports[4]).read_text()
