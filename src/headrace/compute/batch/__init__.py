"""Batch jobs: submitted once, and waited for with few questions to the scheduler.

This package travels with the functions that use it, to machines that have nothing of ours: it
imports the standard library alone, and itself by relative imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import BatchJobError
    from .run import run_batch_array, run_batch_job

__all__ = ["BatchJobError", "run_batch_array", "run_batch_job"]


def __getattr__(name: str) -> Any:
    """Import what submits jobs when it is asked for: whoever reads a notice does without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import errors, run

    return getattr(errors if name == "BatchJobError" else run, name)
