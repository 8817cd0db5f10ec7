"""The import of pyGIMLi, which is heavy, as the programs here use it."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from headrace.ert.errors import EngineMissing


def import_pygimli() -> Any:
    """Return the module, quiet and without its cache.

    The cache lies in the user's home, where programs that run side by side would write the same
    files; within one inversion it serves nothing.

    Raises:
        EngineMissing: it is not installed.
    """
    try:
        pygimli = importlib.import_module("pygimli")
        importlib.import_module("pygimli.physics.ert")
        importlib.import_module("pygimli.meshtools")
        cache = importlib.import_module("pygimli.utils.cache")
    except ModuleNotFoundError as error:
        raise EngineMissing(
            f"engine pygimli needs {error.name}: pip install 'headrace[ert]'"
        ) from None
    cache.noCache(True)
    logging.getLogger("pyGIMLi").setLevel(logging.WARNING)
    return pygimli
