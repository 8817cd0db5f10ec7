"""Carries science data from where they are born to a supercomputer and back."""

from typing import Any

__all__ = ["Campaign", "Project", "Run"]
__version__ = "0.1.0"

# The stub beside this file tells type checkers of them: an import here, even for type checkers
# alone, would have the lowest modules, which need the version, import all others.
_PUBLIC = {
    "Campaign": "headrace.python_api.campaign",
    "Project": "headrace.python_api.project",
    "Run": "headrace.python_api.run",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
