"""A cluster whose partition has a longest time."""

from __future__ import annotations

from headrace.compute.scheduler import JobRequest
from tests.support.compute.slurm_double import SlurmDouble


class Cluster(SlurmDouble):
    """Slurm with a longest time."""

    longest = 4 * 3600.0

    def longest_walltime(self, request: JobRequest) -> float:
        return self.longest
