"""Every template runs a function, a ShellFunction and an MPI job of two ranks, on a real Slurm."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from headrace.compute import EndpointHost, TaskSpec, find_functions
from tests.support.compute.endpoints import Events, spec, task
from tests.support.slurm_cluster import SlurmCluster

pytestmark = [pytest.mark.slurm, pytest.mark.mpi, pytest.mark.timeout(180)]

BLOCK = {"address": "127.0.0.1", "exclusive": False, "walltime": "00:10:00"}
TWO_NODES = {**BLOCK, "nodes_per_block": 2, "cores_per_node": 2}
TEMPLATES: dict[str, dict[str, Any]] = {
    "local": {"workers": 1},
    "slurm-login": {"workers": 2},
    "slurm": {"partition": "debug", **TWO_NODES},
    "slurm-mpi": {"partition": "debug", "tasks_per_block": 2, **TWO_NODES},
    # Its modules and its network are not here; its account, quality of service and constraint are.
    "perlmutter": {"account": "m1", "worker_init": "", **TWO_NODES},
}
FORWARD = '''
def forward(script: str, directory: str) -> dict:
    """Run a job script with two ranks."""
    from headrace.compute.batch import run_batch_job

    return run_batch_job(script, directory, ntasks=2, nodes=2, mpi="pmi2", outputs=["ranks"])
'''
RANKS = (
    "import os; from mpi4py import MPI; w = MPI.COMM_WORLD;"
    "nodes = w.gather(os.environ.get('SLURMD_NODENAME', 'here'));"
    "w.rank or print(w.size, *sorted(set(nodes)))"
)


def add(a: int, b: int) -> int:
    return a + b


def shell(command: str) -> TaskSpec:
    """A ShellFunction, as a client of the SDK submits it: code and arguments as dill."""
    from globus_compute_sdk import ShellFunction
    from globus_compute_sdk.serialize import ComputeSerializer

    serializer = ComputeSerializer()
    arguments = [serializer.serialize(()), serializer.serialize({})]
    return TaskSpec(
        str(uuid.uuid4()),
        serializer.serialize(ShellFunction(command)),
        serialized_arguments=serializer.pack_buffers(arguments),
    )


def shell_result(message: str) -> Any:
    from globus_compute_common import messagepack
    from globus_compute_sdk.serialize import ComputeSerializer

    return ComputeSerializer().deserialize(messagepack.unpack(message.encode()).data)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_runs_all_kinds_of_work(
    template: str, slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HEADRACE_SCHEDULER_CACHE", str(tmp_path / "cache"))
    functions = tmp_path / "functions"
    functions.mkdir()
    (functions / "forward.py").write_text(FORWARD)
    code = find_functions(functions)["forward"].code
    script = tmp_path / "forward.sbatch"
    script.write_text(f'#!/bin/bash\n$HEADRACE_LAUNCH {sys.executable} -c "{RANKS}" > ranks\n')
    two_ranks = {"num_nodes": 2, "ranks_per_node": 1, "launcher_options": "--mpi=pmi2"}
    job = TaskSpec(
        str(uuid.uuid4()),
        code,
        [str(script), str(tmp_path / "work")],
        resource_specification=two_ranks if template == "slurm-mpi" else {},
    )
    plain, command = task(add, 1, b=2), shell("echo $((6 * 7))")
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", template, **TEMPLATES[template]), events)
    try:
        for one in (plain, command, job):
            host.submit(one)
        done = events.wait(plain.task_id)
        assert (done.kind, done.result) == ("done", 3), done.error
        ran = events.wait(command.task_id)
        assert ran.kind == "done", ran.error
        result = shell_result(ran.serialized_result)
        assert (result.returncode, result.stdout) == (0, "42\n")
        forward = events.wait(job.task_id)
        assert forward.kind == "done", forward.error
    finally:
        host.stop()
    nodes = "here" if template == "local" else "n1 n2"
    assert (tmp_path / "work" / "ranks").read_text() == f"2 {nodes}\n"
    slurm.wait_for_empty_queue()
