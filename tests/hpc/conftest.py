"""The Slurm cluster that the tests of this directory share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.slurm_cluster import SlurmCluster, missing


@pytest.fixture(scope="session")
def slurm() -> Iterator[SlurmCluster]:
    """A cluster of two virtual nodes with two GPUs each; its ``env`` leads to it."""
    if absent := missing():
        pytest.skip(f"no Slurm here: {', '.join(absent)} (slurmctld slurmd slurm-client munge)")
    with SlurmCluster(gpus=2) as cluster:
        yield cluster
