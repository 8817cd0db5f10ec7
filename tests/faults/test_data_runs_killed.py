"""Runs that arrive while others are processed, and SIGKILL of all that processes them."""

from __future__ import annotations

import math
import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import wait_until as wait_until_then

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("uproot", reason="needs the extra `datarun`")

from headrace.facility import find_address, stop_facility
from tests.support.adjoint_sources_project import leftovers
from tests.support.data_run_project import DataRuns, Watch, expected_results, rsync, small_run, tree

# Much is done again after each kill, by a machine that may be loaded: only pytest has a limit.
wait_until = partial(wait_until_then, timeout=math.inf)
RUNS = (1, 2, 3)
SEGMENTS = 4


@pytest.fixture
def project(tmp_path: Path) -> Iterator[DataRuns]:
    project = DataRuns(tmp_path / "project")
    project.settle_soon()
    yield project
    stop_facility(project.root)


def kill_facility(project: DataRuns) -> None:
    address = wait_until(lambda: find_address(project.root), "the facility")
    project.pid = address.pid
    project.kill()


def job_of(project: DataRuns, stage: str) -> psutil.Process:
    """Waits for a program that works on a stage, and returns its process."""
    unfinished = f"{project.root}/scratch/data_run"

    def found() -> psutil.Process | None:
        for process in psutil.process_iter():
            try:
                words = " ".join(process.cmdline())
                if unfinished in words and f"/unfinished/{stage}" in words:
                    return process
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return None

    return wait_until(found, f"a job of {stage}")


def kill_a_worker(project: DataRuns, stage: str) -> None:
    """Kills a process that runs a function: one that has started a job."""
    parent = job_of(project, stage).parent()
    assert parent is not None
    os.kill(parent.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not shutil.which("rsync"), reason="rsync is not installed")
def test_killed_anywhere_the_same_bytes_come_out(project: DataRuns, tmp_path: Path) -> None:
    born = tmp_path / "born"
    project.write(*(small_run(number, SEGMENTS, events=40) for number in RUNS), where=born)
    files = {n: sorted((born / f"run{n:04d}").iterdir()) for n in RUNS}
    inbox = {n: project.incoming / f"run{n:04d}" for n in RUNS}
    log = tmp_path / "watch.log"

    def stage(name: str) -> bool:
        return any((project.root / "scratch" / "data_run").glob(f"run*/jobs/{name}*"))

    watch = Watch(project, log)
    wait_until(lambda: watch.says("data_run: watching"), "the watch")
    rsync(*files[1][:2], to=inbox[1])
    wait_until(lambda: watch.says("run0001: arrived"), "run 1 to be seen")
    watch.kill()
    rsync(*files[1][2:], to=inbox[1])
    rsync(*files[2][:3], to=inbox[2])
    watch = Watch(project, log)
    wait_until(lambda: stage("fit"), "the first fit")
    kill_facility(project)
    wait_until(lambda: stage("convert"), "the first conversion")
    rsync(*files[3], to=inbox[3])
    kill_a_worker(project, "convert")
    assert not watch.says("run0002: complete")  # its last segment is not there
    rsync(*files[2][3:], to=inbox[2])
    os.kill(job_of(project, "analyze").pid, signal.SIGKILL)
    wait_until(lambda: stage("analyze-2"), "the next attempt of the analysis")
    kill_facility(project)
    wait_until(lambda: watch.says("run0002: complete"), "the end of run 2")
    watch.kill()
    kill_facility(project)
    project.up()
    runs = project.services.flows.list_runs().data["runs"]
    assert sorted(run["label"] for run in runs) == [f"data run run{n:04d}" for n in RUNS]
    for run in runs:
        ended = project.wait(run["run_id"], math.inf)
        assert ended["status"] == "SUCCEEDED", ended["details"]
    for number in RUNS:
        place = tmp_path / f"expected-{number}"
        expected = tree(expected_results(born, place, number, SEGMENTS))
        assert f"run-{number:04d}-sorted.root" in expected
        assert tree(project.root / "data" / "results" / f"run{number:04d}") == expected
        for path in (place / "converted").iterdir():
            made = project.scratch(f"run{number:04d}") / "converted" / path.name
            assert made.read_bytes() == path.read_bytes()
    stop_facility(project.root)
    assert leftovers(project.root) == []
