"""Batch schedulers behind one interface.

This package travels with the functions that use it, to machines that have nothing of ours: it
imports the standard library alone, and itself by relative imports.
"""

from .base import Ability, Allocation, JobVariables, Scheduler, ScriptParts
from .commands import CommandResult, run_command
from .directives import DirectiveLine, Directives, read_directive_lines
from .errors import BatchJobError, Refusal, SchedulerError, SubmissionRefused
from .jobs import CompletionStatus, Job, JobId, JobState, Limits, Queue
from .memory import memory_amount
from .registry import (
    SCHEDULER_OF_HOW,
    get_scheduler,
    job_of_process,
    scheduler_names,
    usable_schedulers,
)
from .request import JobRequest, SubmissionRequest, walltime_seconds

__all__ = [
    "SCHEDULER_OF_HOW",
    "Ability",
    "Allocation",
    "BatchJobError",
    "CommandResult",
    "CompletionStatus",
    "DirectiveLine",
    "Directives",
    "Job",
    "JobId",
    "JobRequest",
    "JobState",
    "JobVariables",
    "Limits",
    "Queue",
    "Refusal",
    "Scheduler",
    "SchedulerError",
    "ScriptParts",
    "SubmissionRefused",
    "SubmissionRequest",
    "get_scheduler",
    "job_of_process",
    "memory_amount",
    "read_directive_lines",
    "run_command",
    "scheduler_names",
    "usable_schedulers",
    "walltime_seconds",
]
