"""Entry points of installed packages, read once as long as nothing is installed."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path


def entry_points(group: str) -> metadata.EntryPoints:
    """Return the entry points of a group.

    Reading them opens a file of every installed package; they are read again when
    the import path, or one of its directories, has changed.

    Args:
        group: such as ``headrace.checker_rules``.
    """
    return _entry_points(group, tuple((path, _modified(path)) for path in sys.path))


@lru_cache(maxsize=32)
def _entry_points(group: str, _state: tuple[tuple[str, int], ...]) -> metadata.EntryPoints:
    return metadata.entry_points(group=group)


def _modified(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0
