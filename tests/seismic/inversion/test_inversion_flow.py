"""The flow of an iteration on the facility: published, carried, run, published again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.facility import stop_facility
from headrace.seismic.models import FieldReader
from tests.support.inversion_project import InversionProject
from tests.support.seismic import ray_inversion


@pytest.fixture
def project(tmp_path: Path) -> Iterator[InversionProject]:
    project = InversionProject(tmp_path / "project")
    yield project
    stop_facility(project.root)


@pytest.mark.timeout(300)
def test_an_inversion_runs_from_the_first_marker_to_its_end(
    project: InversionProject, tmp_path: Path
):
    project.publish()
    assert project.watch() == 0
    summaries = [json.loads(project.home.summary(number).read_text()) for number in range(3)]
    assert [told["outcome"] for told in summaries] == ["done", "done", "finished"]
    assert [told["band"] for told in summaries] == ["long", "long", "short"]
    assert all(run["status"] == "SUCCEEDED" for run in project.runs())
    assert (project.home.results(2) / "pictures" / "model_vp.png").stat().st_size > 0
    for stage in ("forward", "adjoint", "windows"):
        done = project.computed(stage)
        assert len(set(done)) == len(done)
    # The same as the same stages give in one process.
    alone = ray_inversion.make(tmp_path / "alone")
    ray_inversion.run_all(alone)
    with FieldReader(alone.optimiser / "models" / "003.h5") as reader:
        assert reader.content == project.content(3)


@pytest.mark.timeout(300)
def test_a_mistake_stops_the_run_where_it_is(project: InversionProject):
    (project.home.observed_event("002") / "AA.S01.BXP.semp").unlink()
    project.publish()
    assert project.watch() == 1
    [run] = project.runs()
    assert run["status"] == "FAILED"
    assert "event 002: no observed seismogram of AA.S01" in json.dumps(run["details"])
    assert project.computed("forward") == []
