"""Jobs of directories, by the rules of the engines: a modelling, an inversion, nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.ert.errors import ErtError
from headrace.ert.registry import engine_names, open_engine

AUTO = "auto"
"""The engine is that which finds something to do."""


@dataclass(frozen=True)
class FoundJob:
    """Job of a directory.

    Attributes:
        engine: name of the engine.
        kind: what it has to do, such as ``inversion``.
    """

    engine: str
    kind: str


def find_job(
    directory: Path, engine: str = AUTO, settings: Mapping[str, Mapping[str, Any]] | None = None
) -> FoundJob | None:
    """Return what a directory needs; None where there is nothing to do.

    Args:
        directory: the directory.
        engine: name of the engine; ``auto``: the first that finds something to do.
        settings: tables of engines by their names.

    Raises:
        ErtError: there is no such directory.
        SettingsError: an engine or its settings cannot be used.
    """
    if not directory.is_dir():
        raise ErtError(f"{directory}: no such directory")
    for name in engine_names() if engine == AUTO else [engine]:
        kind = open_engine(name, (settings or {}).get(name, {})).find_job(directory)
        if kind:
            return FoundJob(name, kind)
    return None
