"""Stages of a pipeline: batch jobs whose outputs are kept as long as no dependency changes.

This package travels with the functions that use it, to machines that have nothing of ours: it
imports the standard library alone, and itself by relative imports.
"""

from .errors import StageError
from .keys import DATA_RUN_STAGES, StageKey
from .manifest import Manifest, read_facts
from .paths import absolute_directory, existing_file
from .run import StageResult, run_stage
from .settings import StageSettings, read_stage

__all__ = [
    "DATA_RUN_STAGES",
    "Manifest",
    "StageError",
    "StageKey",
    "StageResult",
    "StageSettings",
    "absolute_directory",
    "existing_file",
    "read_facts",
    "read_stage",
    "run_stage",
]
