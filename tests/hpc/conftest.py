"""The Slurm cluster that the tests of this directory share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.slurm_cluster import SlurmCluster, missing


@pytest.fixture(scope="session")
def slurm() -> Iterator[SlurmCluster]:
    """A cluster of two virtual nodes; put its ``env`` into the environment to use it."""
    if absent := missing():
        pytest.skip(f"no Slurm here: {', '.join(absent)} (slurmctld slurmd slurm-client munge)")
    with SlurmCluster() as cluster:
        yield cluster
