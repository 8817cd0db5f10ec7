"""What is raised when a job cannot be run, or did not do its work."""

from __future__ import annotations

from ..scheduler.errors import BatchJobError, SchedulerError

__all__ = ["BatchJobError", "SchedulerError"]
