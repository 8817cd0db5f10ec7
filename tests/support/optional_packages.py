"""Skipping modules whose tests need a package that is heavy to import."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def skip_without(package: str, extra: str) -> None:
    """Skips the tests of a module where a package is not installed.

    Every worker collects all modules: here the package is only looked for, not imported.

    Args:
        package: at the top level.
        extra: what brings it.
    """
    if find_spec(package) is None:
        pytest.skip(f"needs the extra `{extra}`", allow_module_level=True)
