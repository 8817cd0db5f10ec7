"""Batch jobs: submitted once, and waited for with few questions to the scheduler.

This package travels with the functions that use it, to machines that have nothing of ours: it
imports the standard library alone, and itself by relative imports.
"""

from .errors import BatchJobError
from .run import run_batch_array, run_batch_job

__all__ = ["BatchJobError", "run_batch_array", "run_batch_job"]
