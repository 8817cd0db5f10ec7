"""The template `slurm-login` on a real Slurm: functions that submit their jobs and wait."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from headrace.compute import EndpointHost, TaskSpec, find_functions
from tests.support.compute.endpoints import Events, alive, descendants, spec
from tests.support.slurm_cluster import SlurmCluster
from tests.support.waiting import wait_until

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
    monkeypatch.setenv("HEADRACE_SCHEDULER_CACHE", str(tmp_path / "cache"))
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


def test_a_task_that_is_given_up_takes_its_job_along(
    forward: Callable[[str], TaskSpec], slurm: SlurmCluster, tmp_path: Path
) -> None:
    task = forward("echo $SLURM_JOB_ID > id; sleep 600")
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", "slurm-login", workers=1), events)
    try:
        host.submit(task)
        identifier = tmp_path / "work" / "id"
        wait_until(lambda: identifier.exists() and identifier.read_text().strip(), "the job")
        job = identifier.read_text().strip()
        host.cancel(task.task_id)
        assert events.wait(task.task_id).error == "the task was cancelled"
        # On this machine the job's own processes may be ended first: then it has failed.
        ends = {"CANCELLED", "FAILED"}
        wait_until(lambda: slurm.jobs()[job]["JobState"] in ends, "the job's end")
    finally:
        host.stop()
    slurm.wait_for_empty_queue()


def test_a_task_that_waits_for_a_worker_and_is_given_up_submits_nothing(
    forward: Callable[[str], TaskSpec], slurm: SlurmCluster, tmp_path: Path
) -> None:
    first = forward("echo run >> count; until [ -e go ]; do sleep 0.1; done; echo x > ranks")
    second = replace(first, task_id=str(uuid.uuid4()), args=[first.args[0], str(tmp_path / "two")])
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", "slurm-login", workers=1), events)
    before = set(slurm.jobs())
    try:
        host.submit(first)
        wait_until(lambda: (tmp_path / "work/count").exists(), "the first job")
        host.submit(second)
        host.cancel(second.task_id)
        (tmp_path / "work/go").touch()
        assert events.wait(first.task_id).kind == "done"
        third = replace(first, task_id=str(uuid.uuid4()), args=[first.args[0], str(tmp_path / "3")])
        (tmp_path / "3").mkdir()
        (tmp_path / "3/go").touch()
        host.submit(third)
        assert events.wait(third.task_id).kind == "done"
    finally:
        host.stop()
    assert len(set(slurm.jobs()) - before) == 2
    assert not (tmp_path / "two/count").exists()


def test_jobs_are_cancelled_after_a_restart_too(
    forward: Callable[[str], TaskSpec], slurm: SlurmCluster, tmp_path: Path
) -> None:
    """The facility died between giving the task up and cancelling its job."""
    task = forward("echo $SLURM_JOB_ID > id; sleep 600")
    state = tmp_path / "state"
    host = EndpointHost(spec(state, "slurm-login", workers=1), Events())
    host.submit(task)
    wait_until(lambda: (tmp_path / "work/id").exists(), "the job")
    job = wait_until(lambda: (tmp_path / "work/id").read_text().strip(), "its id")
    host.stop()
    assert slurm.jobs()[job]["JobState"] == "RUNNING"
    (state / "cancelled").mkdir()
    (state / "cancelled" / task.task_id).touch()
    again = EndpointHost(spec(state, "slurm-login", workers=1), Events())
    try:
        wait_until(lambda: slurm.jobs()[job]["JobState"] == "CANCELLED", "the job's end")
    finally:
        again.stop()
    slurm.wait_for_empty_queue()


def test_what_runs_in_a_block_ends_with_its_task(
    forward: Callable[[str], TaskSpec], slurm: SlurmCluster, tmp_path: Path
) -> None:
    task = forward("echo $$ > pid; sleep 600")
    events = Events()
    options = {"partition": "debug", "exclusive": False, "walltime": "00:10:00"}
    host = EndpointHost(spec(tmp_path / "state", "slurm", address="127.0.0.1", **options), events)
    try:
        host.submit(task)
        file = tmp_path / "work" / "pid"
        wait_until(lambda: file.exists() and file.read_text().strip(), "the script")
        script = psutil.Process(int(file.read_text()))
        host.cancel(task.task_id)
        wait_until(lambda: not alive([script]), "the script's end")
        after = forward("echo x > ranks")
        host.submit(after)
        assert events.wait(after.task_id).kind == "done"
    finally:
        host.stop()
    slurm.wait_for_empty_queue()
