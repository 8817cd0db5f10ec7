"""The template `slurm-login` on a real Slurm: functions that submit their jobs and wait."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from compute.endpoint_tools import Events, alive, descendants, spec
from hpc.slurm import SlurmCluster
from waiting import wait_until

from headrace.compute import EndpointHost, TaskSpec, find_functions

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(120)]

FORWARD = '''
def forward(script: str, directory: str) -> dict:
    """Run a job script."""
    from headrace.compute.batch import run_batch_job

    return run_batch_job(script, directory, ntasks=2, nodes=2, mpi="pmi2", outputs=["ranks"])
'''


@pytest.fixture
def forward(
    slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], TaskSpec]:
    """Makes a task of a job script's text."""
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HEADRACE_SLURM_CACHE", str(tmp_path / "cache"))
    functions = tmp_path / "functions"
    functions.mkdir()
    (functions / "forward.py").write_text(FORWARD)
    code = find_functions(functions)["forward"].code

    def make(text: str) -> TaskSpec:
        script = tmp_path / "forward.sbatch"
        script.write_text(f"#!/bin/bash\n{text}\n")
        arguments = [str(script), str(tmp_path / "work")]
        return TaskSpec(str(uuid.uuid4()), code, arguments, {})

    return make


@pytest.mark.mpi
def test_a_function_submits_an_mpi_job_and_waits(
    forward: Callable[[str], TaskSpec], slurm: SlurmCluster, tmp_path: Path
) -> None:
    program = "from mpi4py import MPI; c = MPI.COMM_WORLD; c.rank or print(c.size)"
    task = forward(f'$HEADRACE_LAUNCH {sys.executable} -c "{program}" > ranks')
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", "slurm-login"), events)
    try:
        host.submit(task)
        done = events.wait(task.task_id)
    finally:
        host.stop()
    assert done.kind == "done", done.error
    assert (tmp_path / "work" / "ranks").read_text() == "2\n"
    job = slurm.jobs()[done.result["job_id"]]
    assert (job["JobState"], job["NumNodes"]) == ("COMPLETED", "2")


def test_a_worker_that_is_killed_finds_its_job_again(
    forward: Callable[[str], TaskSpec], slurm: SlurmCluster, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    task = forward("echo run >> count; until [ -e go ]; do sleep 0.1; done; echo x > ranks")
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", "slurm-login", workers=1), events)
    try:
        host.submit(task)
        wait_until(lambda: (work / "count").exists(), "the job")
        assert host.pid is not None
        workers = [
            p for p in descendants(host.pid) if "process_worker_pool" in " ".join(p.cmdline())
        ]
        for process in workers:
            process.kill()
        wait_until(lambda: not alive(workers), "the end of the workers")
        (work / "go").touch()
        done = events.wait(task.task_id)
    finally:
        host.stop()
    assert done.kind == "done", done.error
    assert (work / "count").read_text() == "run\n"
    known = json.loads((work / "job" / "submission.json").read_text())
    assert known["job_id"] == done.result["job_id"]
