"""Numba without the packages that it imports for others, and that the fits do not use.

When the first compiled function is loaded, Numba imports every installed package that extends it
(Awkward) and, to learn whether there is a BLAS, SciPy's linear algebra. That is a third of what
it takes a rank to start.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

_BLAS: Final = "scipy.linalg.cython_blas"


@contextmanager
def without_numba_extensions() -> Iterator[None]:
    """Load compiled functions without Numba's extensions; afterwards they are found as ever.

    Yields:
        Nothing. In between no function may be compiled that uses a type of another package.
    """
    entry_points: Any = importlib.import_module("numba.core.entrypoints")
    _import_without_blas("numba.np.arraymath")
    import_all = entry_points.init_all
    entry_points.init_all = _import_none
    try:
        yield
    finally:
        entry_points.init_all = import_all


def _import_none() -> None:
    """Import no extension."""


def _import_without_blas(module: str) -> None:
    """Import a module of Numba that looks for a BLAS, and let it find one that is not loaded.

    Functions that call the BLAS import it when they are compiled.
    """
    if module in sys.modules or _BLAS in sys.modules or find_spec("scipy") is None:
        importlib.import_module(module)
        return
    sys.modules[_BLAS] = ModuleType(_BLAS)
    try:
        importlib.import_module(module)
    finally:
        del sys.modules[_BLAS]
