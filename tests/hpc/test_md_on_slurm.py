"""A leg of molecular dynamics on a real Slurm: its node is lost, and another one goes on."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

if shutil.which("gmx") is None and importlib.util.find_spec("openmm") is None:
    pytest.skip("needs gmx, or the extra `md`", allow_module_level=True)

from headrace.md.leg import read_outcome
from headrace.md.water_boxes import available_engine, write_water_box
from headrace.md.xtc import read_frames
from tests.support.batch_job_call import BatchJobCall
from tests.support.repository import REPOSITORY
from tests.support.slurm_cluster import SlurmCluster, missing
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slurm
SETTINGS = """\
[leg.job]
walltime = "00:10:00"
retry_pause = "0"

[gromacs]
checkpoint_minutes = 0.01

[openmm]
platform = "CPU"
properties = { Threads = 1 }
checkpoint_minutes = 0.01
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    """A cluster of its own, for a node of it is lost."""
    if absent := missing():
        pytest.skip(f"no Slurm here: {', '.join(absent)}")
    with SlurmCluster(nodes=2) as cluster:
        for name, value in cluster.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HEADRACE_JOBS", "submit")
        monkeypatch.setenv("HEADRACE_SCHEDULER_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        yield cluster


def run_leg(**arguments: Any) -> dict[str, Any]:
    path = REPOSITORY / "compute_functions" / "md_run_leg.py"
    spec = importlib.util.spec_from_file_location("md_run_leg", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, Any] = module.md_run_leg(**arguments)
    return found


def kill_what_runs_in(directory: Path) -> None:
    """Kills a job's processes, its script before the programs that it waits for."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            if process.pid != os.getpid() and Path(process.cwd()).is_relative_to(directory):
                found.append(process)
    for process in sorted(found, key=lambda each: each.pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


@pytest.mark.timeout(300)
def test_a_leg_whose_node_is_lost_goes_on_at_another(cluster: SlurmCluster, tmp_path: Path) -> None:
    engine = available_engine()
    leg = tmp_path / "legs" / "box" / "run-001.1"
    write_water_box(engine, leg / "input", steps=8000)
    settings = tmp_path / "md.toml"
    settings.write_text(SETTINGS)
    call = BatchJobCall(
        run_leg,
        project=str(REPOSITORY),
        directory=str(tmp_path / "legs"),
        leg="box/run-001.1",
        engine=engine,
        config=str(settings),
    )
    state = leg / "state"
    wait_until(
        lambda: [*state.glob("run.*.cpt"), *state.glob("checkpoint.json")], "its first checkpoint"
    )
    node = str(json.loads((leg / "job" / "host.json").read_text())["nodes"])
    cluster.lose_node(node)
    kill_what_runs_in(leg)
    found = call.result()
    assert (found["done"], found["step"]) == (True, 8000)
    [failed] = found["failed_attempts"]
    # Whichever is seen first: that its script was killed, or that its node is gone.
    assert failed["cause"] in ("node lost", "killed")
    assert failed["nodes"] == node
    other = str(json.loads((leg / "job-2" / "host.json").read_text())["nodes"])
    assert other != node
    outcome = read_outcome(leg)
    assert len(outcome.files) == 2, "the second job went on, and did not begin anew"
    frames = [frame.step for name in outcome.files for frame in read_frames(leg / name)]
    assert frames == list(range(0, 8001, 100))
