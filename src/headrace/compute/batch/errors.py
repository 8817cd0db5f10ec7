"""What is raised when a job cannot be run, or did not do its work."""

from __future__ import annotations


class BatchJobError(RuntimeError):
    """A batch job failed; the message is one line with the way to its log."""


class SchedulerError(BatchJobError):
    """Slurm does not answer, or refuses."""
