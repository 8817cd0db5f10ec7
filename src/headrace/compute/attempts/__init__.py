"""Jobs that are run again where their node, their time, their memory or their files failed them.

This package travels with the functions that use it, to machines that have nothing of ours: it
imports the standard library alone, and its neighbours by relative imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .array import run_repeated_array
    from .run import run_repeated_job

__all__ = ["run_repeated_array", "run_repeated_job"]


def __getattr__(name: str) -> Any:
    """Import what submits jobs when it is asked for: whoever reads the settings does without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import array, run

    return getattr(array if name == "run_repeated_array" else run, name)
