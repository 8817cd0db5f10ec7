"""The flow of data runs, unchanged, on a real Slurm of two virtual nodes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import wait_until

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("uproot", reason="needs the extra `datarun`")

from headrace.facility import stop_facility
from tests.support.adjoint_sources_project import leftovers
from tests.support.data_run_project import DataRuns, Watch, expected_results, rsync, small_run, tree

# Jobs of their own, and tasks inside a block.
ENDPOINTS = {
    "slurm-login": '[endpoints.analysis]\ntemplate = "slurm-login"\n',
    "slurm": """
[endpoints.analysis]
template = "slurm"

[endpoints.analysis.options]
partition = "debug"
walltime = "00:10:00"
exclusive = false
workers_per_node = 2
retries = 2
""",
}
RUNS = (1, 2, 3)
SEGMENTS = 4


@pytest.fixture(params=ENDPOINTS)
def project(
    tmp_path: Path, slurm, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[DataRuns]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    project = DataRuns(tmp_path / "project", ENDPOINTS[request.param])
    project.settle_soon()
    yield project
    stop_facility(project.root)


@pytest.mark.slow
@pytest.mark.slurm
@pytest.mark.timeout(900)
@pytest.mark.skipif(not shutil.which("rsync"), reason="rsync is not installed")
def test_runs_that_arrive_while_others_are_processed(
    project: DataRuns, slurm, tmp_path: Path
) -> None:
    born = tmp_path / "born"
    project.write(*(small_run(number, SEGMENTS, events=40) for number in RUNS), where=born)
    watch = Watch(project, tmp_path / "watch.log")
    wait_until(lambda: watch.says("data_run: watching"), "the watch")
    jobs = project.root / "scratch" / "data_run"
    for number in RUNS:
        name = f"run{number:04d}"
        rsync(*sorted((born / name).iterdir()), to=project.incoming / name)
        wait_until(lambda name=name: watch.says(f"{name}: complete"), f"the run of {name}")
        if number == 2:
            wait_until(lambda: [*jobs.glob("run*/jobs/convert-*")], "a conversion", 300)
            project.kill()
            wait_until(lambda: watch.says("starting the facility"), "the next facility")
    runs = wait_until(lambda: _runs(project), "three runs")
    for run in runs:
        ended = project.wait(run["run_id"], 600)
        assert ended["status"] == "SUCCEEDED", ended["details"]
    watch.kill()
    assert slurm.jobs()
    for number in RUNS:
        expected = tree(expected_results(born, tmp_path / f"expected-{number}", number, SEGMENTS))
        assert tree(project.root / "data" / "results" / f"run{number:04d}") == expected
    stop_facility(project.root)
    slurm.wait_for_empty_queue()
    assert leftovers(project.root) == []


def _runs(project: DataRuns) -> list[dict]:
    project.up()
    runs = project.services.flows.list_runs().data["runs"]
    return runs if len(runs) == len(RUNS) else []
