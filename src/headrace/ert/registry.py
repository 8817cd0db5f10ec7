"""Engines by name: those of `headrace.ert.engines`, and entry points of other packages.

Another package announces its function ``make(settings)`` by an entry point of the group
``headrace.ert_engines``; it cannot replace an engine that headrace brings.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

from headrace._internal.entry_points import entry_points
from headrace.ert.engine import Engine
from headrace.ert.errors import EngineMissing, SettingsError

BUILT_IN: Final = {
    "crtomo": "headrace.ert.engines.crtomo.engine",
    "pygimli": "headrace.ert.engines.pygimli",
}
"""Modules of the engines that headrace brings, in the order in which they are asked."""

_GROUP: Final = "headrace.ert_engines"


def engine_names() -> list[str]:
    """Return the names of all engines: those here first, in the order in which they are asked."""
    return [*BUILT_IN, *sorted(entry_points(_GROUP).names - set(BUILT_IN))]


def open_engine(name: str, settings: Mapping[str, Any]) -> Engine:
    """Make an engine by its name.

    Args:
        name: one of `engine_names`.
        settings: the engine's own table of the settings.

    Raises:
        SettingsError: there is none of this name, two packages bring it, or a setting cannot be
            used.
        EngineMissing: a library that it needs is not installed.
    """
    own = name in BUILT_IN
    try:
        make = importlib.import_module(BUILT_IN[name]).make if own else _outside(name)
        engine: Engine = make(settings)
    except ModuleNotFoundError as error:
        remedy = "pip install 'headrace[ert]'" if own else "install it"
        raise EngineMissing(f"engine {name} needs {error.name}: {remedy}") from None
    return engine


def _outside(name: str) -> Any:
    found = {entry.value: entry for entry in entry_points(_GROUP).select(name)}
    if not found:
        raise SettingsError(f"engine {name!r}: there are {', '.join(engine_names())}")
    if len(found) > 1:
        raise SettingsError(
            f"engine {name!r}: two packages bring it, {' and '.join(sorted(found))}; "
            "uninstall one of them"
        )
    ((value, entry),) = found.items()
    try:
        return entry.load()
    except AttributeError as error:
        raise SettingsError(f"engine {name!r}: {value}: {error}") from None
