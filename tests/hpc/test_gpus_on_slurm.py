"""GPUs on a real Slurm, whose GPUs are plain files: asked for, and one for each worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.compute import EndpointHost
from headrace.compute.batch import BatchJobError, run_batch_job
from tests.support.compute.endpoints import Events, spec, task
from tests.support.slurm_cluster import SlurmCluster

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(120)]


def meet(directory: str, mine: str) -> dict:
    """What this worker sees, once another one has come."""
    import os
    import time
    from pathlib import Path

    (Path(directory) / mine).touch()
    while len(list(Path(directory).iterdir())) < 2:
        time.sleep(0.05)
    return {"visible": os.environ["CUDA_VISIBLE_DEVICES"], "job": os.environ["SLURM_JOB_ID"]}


@pytest.fixture(autouse=True)
def on_the_cluster(slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HEADRACE_SCHEDULER_CACHE", str(tmp_path / "cache"))


def test_each_worker_of_a_block_has_a_gpu_of_its_own(slurm: SlurmCluster, tmp_path: Path) -> None:
    options = {
        "address": "127.0.0.1", "exclusive": False, "walltime": "00:05:00", "gpus_per_node": 2,
        "workers_per_node": 4, "available_accelerators": 2, "cpu_affinity": "block",
    }  # fmt: skip
    met = tmp_path / "met"
    met.mkdir()
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", "slurm", **options), events)
    try:
        tasks = [task(meet, str(met), name) for name in "ab"]
        for one in tasks:
            host.submit(one)
        ends = [events.wait(one.task_id) for one in tasks]
        assert [end.kind for end in ends] == ["done", "done"], [end.error for end in ends]
        assert sorted(end.result["visible"] for end in ends) == ["0", "1"]
        record = slurm.jobs()[ends[0].result["job"]]
        assert "gpu:2" in record["TresPerNode"], record
    finally:
        host.stop()


@pytest.mark.parametrize(
    ("line", "settings"),
    [("", {"gres": "gpu:a100:1"}), ("#SBATCH --gres=gpu:1", {}), ("", {"gpus": 1})],
)
def test_a_batch_job_gets_the_gpus_that_it_asks_for(
    slurm: SlurmCluster, tmp_path: Path, line: str, settings: dict
) -> None:
    script = tmp_path / "work.sbatch"
    script.write_text(f"#!/bin/bash\n{line}\ntrue\n")
    done = run_batch_job(str(script), str(tmp_path / "w"), how="sbatch", **settings)
    record = slurm.jobs()[done["job_id"]]
    asked = record.get("TresPerNode", "") + record.get("TresPerJob", "")
    assert "gpu:" in asked, record


def test_more_than_there_are_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "work.sbatch"
    script.write_text("#!/bin/bash\ntrue\n")
    with pytest.raises(BatchJobError, match="refuses"):
        run_batch_job(str(script), str(tmp_path / "w"), how="sbatch", gres="gpu:h100:3")
