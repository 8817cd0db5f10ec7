"""Stages of a pipeline: batch jobs whose outputs are kept as long as nothing they hang on changes.

This package travels with the functions that use it, to machines that have nothing of ours: it
imports the standard library alone, and itself by relative imports.
"""

from .errors import StageError
from .manifest import Record, facts_of
from .paths import absolute_directory, file_in
from .run import StageResult, run_stage
from .settings import StageSettings, read_stage

__all__ = [
    "Record",
    "StageError",
    "StageResult",
    "StageSettings",
    "absolute_directory",
    "facts_of",
    "file_in",
    "read_stage",
    "run_stage",
]
