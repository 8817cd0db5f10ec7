"""The flow of sweeps at an endpoint of a login node: a pack is one job array of a real Slurm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

from headrace.facility import stop_facility
from tests.support.adjoint_sources_project import leftovers
from tests.support.sweep_project import SweepProject, member


@pytest.fixture
def project(tmp_path: Path, slurm, monkeypatch: pytest.MonkeyPatch) -> Iterator[SweepProject]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    endpoint = '[endpoints.simulation]\ntemplate = "slurm-login"\n'
    project = SweepProject(tmp_path / "project", endpoint)
    yield project
    stop_facility(project.root)


@pytest.mark.slurm
@pytest.mark.timeout(300)
def test_a_pack_goes_as_an_array_and_its_outputs_come_home(project: SweepProject, slurm) -> None:
    (project.inputs / "x.txt").write_text("7\n")
    before = set(slurm.jobs())
    pack = [
        member(f"m{number}", f"sed s/7/{number}/ x.txt > out", inputs=["x.txt"], outputs=["out"])
        for number in range(4)
    ]
    pack.append(member("fails", "cat nothing", inputs=["x.txt"]))
    done = project.process(pack)
    assert (done["done"], done["failed"]) == (4, 1)
    fails = done["members"]["fails"]
    assert fails["category"] == "error of the program"
    assert "No such file or directory" in fails["cause"]
    for number in range(4):
        home = project.results / f"m{number}" / "start-000.1"
        assert (home / "out").read_text() == f"{number}\n"
    jobs = {job: fields for job, fields in slurm.jobs().items() if job not in before}
    assert len({fields.get("ArrayJobId", job) for job, fields in jobs.items()}) == 1
    assert len(jobs) == 5
    assert [*project.scratch.glob("*/*")] == []
    stop_facility(project.root)
    assert leftovers(project.root) == []
