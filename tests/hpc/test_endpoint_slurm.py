"""The template `slurm` on a real Slurm."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import uuid
from importlib.metadata import version
from pathlib import Path

import pytest

from headrace.compute import ComputeError, EndpointHost, reap
from tests.support.compute.endpoints import MARK, Events, alive, descendants, marked, spec, task
from tests.support.slurm_cluster import SlurmCluster
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(120)]

OPTIONS = {
    "address": "127.0.0.1",
    "exclusive": False,
    "cores_per_node": 2,
    "walltime": "00:05:00",
}


def where() -> dict:
    import os

    return {"job": os.environ["SLURM_JOB_ID"], "name": os.environ["SLURM_JOB_NAME"]}


def ranks(python: str, number: int) -> list:
    import json
    import subprocess

    code = (
        "import json, os; from mpi4py import MPI; w = MPI.COMM_WORLD;"
        "e = os.environ; mine = [w.rank, w.size, e['SLURM_JOB_ID'], e['SLURMD_NODENAME']];"
        "every = w.gather(mine); w.rank or print(json.dumps(every))"
    )
    command = ["mpiexec", "-n", str(number), python, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def meet(directory: str, mine: str) -> str:
    """The node it runs on, once another one has come."""
    import os
    import time
    from pathlib import Path

    (Path(directory) / mine).touch()
    while len(list(Path(directory).iterdir())) < 2:
        time.sleep(0.05)
    return os.environ["SLURMD_NODENAME"]


def wait_for_ever(started: str) -> None:
    import subprocess
    from pathlib import Path

    Path(started).touch()
    subprocess.run(["sleep", "600"], check=True)


@pytest.fixture(autouse=True)
def on_the_cluster(slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)


@pytest.mark.mpi
def test_functions_and_mpi_ranks_run_inside_a_job_that_ends_with_the_endpoint(
    slurm: SlurmCluster, tmp_path: Path
) -> None:
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", "slurm", **OPTIONS), events)
    try:
        host.start()
        assert slurm.queue() == {}, "a block is submitted for work only"
        first, second = task(where), task(ranks, sys.executable, 2)
        host.submit(first)
        host.submit(second)
        done = events.wait(first.task_id)
        assert done.kind == "done", done.error
        job = done.result["job"]
        assert slurm.jobs()[job]["JobState"] == "RUNNING"
        assert slurm.jobs()[job]["JobName"] == done.result["name"]
        assert host.status()["jobs"] == [job]
        every = events.wait(second.task_id)
        assert every.kind == "done", every.error
        node = slurm.jobs()[job]["NodeList"]
        assert sorted(every.result) == [[0, 2, job, node], [1, 2, job, node]]
    finally:
        host.stop()
    assert slurm.queue() == {}
    assert slurm.jobs()[job]["JobState"] in ("CANCELLED", "COMPLETED")


def test_an_idle_block_is_given_back(slurm: SlurmCluster, tmp_path: Path) -> None:
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", "slurm", max_idletime=1), events)
    try:
        one = task(where)
        host.submit(one)
        done = events.wait(one.task_id)
        assert done.kind == "done", done.error
        slurm.wait_for_empty_queue()
        wait_until(lambda: host.status()["state"] == "idle", "no worker is said to be there")
    finally:
        host.stop()


@pytest.mark.mpi
def test_an_mpi_program_spans_the_nodes_of_a_block(slurm: SlurmCluster, tmp_path: Path) -> None:
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", "slurm", **OPTIONS, nodes_per_block=2), events)
    try:
        one = task(ranks, sys.executable, 4)
        host.submit(one)
        done = events.wait(one.task_id)
        assert done.kind == "done", done.error
        (job,) = host.status()["jobs"]
        assert {(size, where) for _, size, where, _ in done.result} == {(4, job)}
        assert {node for *_, node in done.result} == {"n1", "n2"}
    finally:
        host.stop()
    assert slurm.queue() == {}


def test_srun_starts_workers_on_every_node_of_a_block(slurm: SlurmCluster, tmp_path: Path) -> None:
    events = Events()
    options = {**OPTIONS, "nodes_per_block": 2, "launcher": "SrunLauncher"}
    host = EndpointHost(spec(tmp_path / "state", "slurm", **options), events)
    place = tmp_path / "place"
    place.mkdir()
    try:
        both = [task(meet, str(place), name) for name in "ab"]
        for one in both:
            host.submit(one)
        assert {events.wait(one.task_id).result for one in both} == {"n1", "n2"}
    finally:
        host.stop()
    assert slurm.queue() == {}


PARENT = """
import sys
from pathlib import Path
from tests.support.compute.endpoints import spec, task
from headrace.compute import EndpointHost
from tests.hpc.test_endpoint_slurm import OPTIONS, wait_for_ever
host = EndpointHost(spec(Path(sys.argv[1]), "slurm", **OPTIONS), print)
host.submit(task(wait_for_ever, sys.argv[2]))
sys.stdin.read()
"""


@pytest.mark.parametrize("child_too", [False, True])
def test_a_killed_parent_leaves_no_job(
    slurm: SlurmCluster, tmp_path: Path, child_too: bool
) -> None:
    mark = uuid.uuid4().hex
    started, state = tmp_path / "started", tmp_path / "state"
    stranger = slurm.run(
        "sbatch", "--parsable", "-n1", "-J", "stranger", "-o", "/dev/null", "--wrap", "sleep 600"
    ).strip()
    paths = os.pathsep.join(p for p in sys.path if p)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(state), str(started)],
        env={**os.environ, MARK: mark, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
    ) as parent:
        try:
            wait_until(started.exists, "the task runs")
            family = descendants(parent.pid)
            parent.kill()
            if child_too:
                (child,) = [p for p in family if "headrace.compute.host" in p.cmdline()]
                child.kill()
            parent.wait()
        finally:
            parent.kill()
    if child_too:
        assert len(slurm.queue()) == 2, "the block outlives both"
        assert any(line.startswith("Slurm job") for line in reap(state))
    wait_until(lambda: list(slurm.queue()) == [stranger], "the block is gone, nothing else")
    wait_until(lambda: not marked(mark) and not alive(family), "no process is left")
    assert reap(state) == []
    slurm.run("scancel", stranger)
    slurm.wait_for_empty_queue()


@pytest.mark.parametrize("launcher", ["SimpleLauncher", "SrunLauncher"])
def test_a_path_with_spaces_and_signs_is_no_obstacle(
    slurm: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    monkeypatch.setenv("HEADRACE_LINKS", str(tmp_path / "links"))
    events = Events()
    state_dir = tmp_path / "my (first) project 100% $HOME 'é' \"2\"" / "state"
    host = EndpointHost(spec(state_dir, "slurm", **OPTIONS, launcher=launcher), events)
    try:
        one = task(where)
        host.submit(one)
        done = events.wait(one.task_id, timeout=150)
    finally:
        host.stop()
    assert done.kind == "done", done.error
    slurm.wait_for_empty_queue()


def test_a_partition_that_does_not_exist_is_told_in_one_line(
    slurm: SlurmCluster, tmp_path: Path
) -> None:
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", "slurm", **OPTIONS, partition="nosuch"), events)
    try:
        one = task(where)
        host.submit(one)
        failed = events.wait(one.task_id)
    finally:
        host.stop()
    assert failed.kind == "failed"
    assert "partition" in failed.error
    assert "\n" not in failed.error


def test_without_slurm_commands_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    host = EndpointHost(spec(tmp_path / "state", "slurm"), Events())
    with pytest.raises(ComputeError, match=r"sbatch.* not on PATH"):
        host.start()
    host.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_workers_of_another_python_run_functions_and_are_named(
    slurm: SlurmCluster, tmp_path: Path
) -> None:
    """Installs the endpoint for a second Python, by pip."""
    other = _another_python()
    if other is None:
        pytest.skip("no second Python of 3.11-3.13 on this machine")
    environment = tmp_path / "other"
    packages = [
        f"globus-compute-endpoint=={version('globus-compute-endpoint')}",
        "texttable==1.7.0",
    ]
    subprocess.run([other, "-m", "venv", environment], check=True)
    subprocess.run(
        [environment / "bin/python", "-m", "pip", "install", "-q", *packages], check=True
    )
    init = f"unset PYTHONPATH; export PATH={environment}/bin:$PATH"
    options = {**OPTIONS, "worker_init": init}
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", "slurm", **options), events)
    try:
        one = task(python_version)
        host.submit(one)
        done = events.wait(one.task_id, timeout=120)
        assert done.kind == "done", done.error
        assert done.result != platform.python_version()
        warning = wait_until(lambda: host.status()["warning"], "the warning")
        assert f"the workers have python {done.result}" in warning
        assert f"the endpoint python {platform.python_version()}" in warning
        wrong = task(raise_it)
        host.submit(wrong)
        assert (
            "ValueError: wrong (line 2 of raise_it) (the workers have python"
            in events.wait(wrong.task_id).error
        )
    finally:
        host.stop()


def python_version() -> str:
    import platform

    return platform.python_version()


def raise_it() -> None:
    raise ValueError("wrong")


def _another_python() -> str | None:
    own = platform.python_version_tuple()[:2]
    for name in ("python3.13", "python3.12", "python3.11"):
        for directory in ("", *map(str, Path.home().glob(".pyenv/versions/*/bin"))):
            path = shutil.which(name, path=directory or None)
            if path is None or name == f"python{'.'.join(own)}":
                continue
            if subprocess.run([path, "-c", "import venv"], capture_output=True).returncode == 0:
                return path
    return None
