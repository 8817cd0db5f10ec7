"""The flow of an inversion, unchanged, on a real Slurm of two virtual nodes with MPI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.facility import stop_facility
from headrace.seismic.inversion.records import read_lines
from headrace.seismic.models import read_model
from tests.support.adjoint_sources_project import leftovers
from tests.support.inversion_project import InversionProject
from tests.support.seismic import ray_inversion

ENDPOINT = """
[endpoints.simulation]
template = "slurm"

[endpoints.simulation.options]
partition = "debug"
walltime = "00:10:00"
exclusive = false
"""


@pytest.fixture
def project(tmp_path: Path, slurm, monkeypatch) -> Iterator[InversionProject]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    project = InversionProject(tmp_path / "project", endpoint=ENDPOINT)
    yield project
    stop_facility(project.root)


@pytest.mark.slurm
@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_same_model_comes_of_slurm_with_mpi(project: InversionProject, slurm, tmp_path: Path):
    settings = project.home.settings
    text = settings.read_text()
    settings.write_text(text.replace("[resources.windows]", "[resources.windows]\nranks = 2"))
    project.publish()
    assert project.watch(idle=20.0) == 0
    jobs = {
        record["slurm_job_id"]
        for number in range(3)
        for record in read_lines(project.home.results(number) / "records.jsonl")
    }
    assert jobs
    assert None not in jobs
    alone = ray_inversion.make(tmp_path / "alone")
    ray_inversion.run_all(alone)
    here = read_model(alone.optimiser / "models" / "003.h5").fields["vp"]
    there = read_model(project.home.model(3)).fields["vp"]
    np.testing.assert_allclose(there, here, rtol=1e-6)
    stop_facility(project.root)
    slurm.wait_for_empty_queue()
    assert leftovers(project.root) == []
