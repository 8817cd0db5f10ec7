"""Errors of batch jobs."""

from __future__ import annotations

from ..scheduler.errors import BatchJobError, SchedulerError

__all__ = ["BatchJobError", "SchedulerError"]
