"""Batch schedulers behind one small interface.

This package travels with the functions that use it, to machines that have nothing of ours: it
imports the standard library alone, and itself by relative imports.
"""

from .base import CompletionStatus, Job, JobId, JobState, Limits, Queue, Scheduler
from .errors import BatchJobError, Refusal, SchedulerError, SubmissionRefused
from .registry import get_scheduler

__all__ = [
    "BatchJobError",
    "CompletionStatus",
    "Job",
    "JobId",
    "JobState",
    "Limits",
    "Queue",
    "Refusal",
    "Scheduler",
    "SchedulerError",
    "SubmissionRefused",
    "get_scheduler",
]
