"""What Slurm's queue says of jobs of this account."""

from __future__ import annotations

import pytest

from headrace.compute.scheduler import Job
from headrace.compute.scheduler.slurm import Slurm
from tests.support.slurm_cluster import SlurmCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slurm


def test_a_job_that_runs_has_time_left(
    slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", slurm.env["SLURM_CONF"])
    options = ("--parsable", "-n1", "-t", "10", "-o", "/dev/null", "--wrap", "sleep 600")
    number = slurm.run("sbatch", *options).strip()
    held = slurm.run("sbatch", "--hold", *options).strip()

    def job(number: str) -> Job:
        return next(each for each in Slurm().queue().jobs if each.job_id == number)

    try:
        wait_until(lambda: job(number).state.running, "the job to run")
        left = job(number).seconds_left
        assert left is not None
        assert 0 < left <= 600
        assert job(held).seconds_left is None
    finally:
        slurm.run("scancel", number, held)
