"""The adjoint-sources flow, unchanged, on a real Slurm of two virtual nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.facility import stop_facility
from tests.support.adjoint_sources_project import Project, leftovers

ENDPOINT = """
[endpoints.simulation]
template = "slurm"

[endpoints.simulation.options]
partition = "debug"
walltime = "00:10:00"
exclusive = false
"""


@pytest.fixture
def project(tmp_path: Path, slurm, monkeypatch) -> Iterator[Project]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    project = Project(tmp_path / "project", ENDPOINT, stations=4)
    yield project
    stop_facility(project.root)


@pytest.mark.slurm
@pytest.mark.mpi
def test_the_ranks_run_inside_a_slurm_job(project: Project, slurm):
    run = project.wait(project.start("on-slurm", ranks=2))
    assert run["status"] == "SUCCEEDED", run["details"]
    output = run["details"]["output"]
    [result] = output["job"]["details"]["result"]
    job_id = result["slurm_job_id"]
    submitted = set(slurm.jobs())
    assert str(job_id) in submitted
    assert [(rank["rank"], str(rank["slurm_job_id"])) for rank in result["ranks"]] == [
        (0, str(job_id)),
        (1, str(job_id)),
    ]
    summary = json.loads((project.root / "data/results/on-slurm/summary.json").read_text())
    assert summary["stations"] == 4
    stop_facility(project.root)
    slurm.wait_for_empty_queue()
    assert leftovers(project.root) == []
