"""Numba compilation of loops over samples, cached on disk between processes.

Numba keeps a compiled function as long as the file that holds it is the same, although it holds
the code of all functions that it calls, in other files too. Here a digest of all files with such
functions counts as part of each, so that an edit of one file is never answered with old code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CellType, FunctionType
from typing import Any, TypeVar

import numba
from numba.core.types.misc import unliteral

Function = TypeVar("Function", bound=Callable[..., Any])


@cache
def source_digest() -> str:
    """Return a digest of all files with compiled functions."""
    digest = hashlib.sha256()
    for path in kernel_sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_version() -> str:
    """Return what Numba compares to find a compiled function: sources, and when they changed."""
    changed = (str(path.stat().st_mtime_ns) for path in kernel_sources())
    return " ".join([source_digest(), *changed])


@cache
def kernel_sources() -> tuple[Path, ...]:
    """Return all files with compiled functions."""
    words = (b"fit.compiled import", b"import numba")
    files = sorted(Path(__file__).parent.glob("*.py"))
    return tuple(path for path in files if any(word in path.read_bytes() for word in words))


def _with_source_digest(function: Any) -> Any:
    """Return the function with the digest as a variable of its closure.

    Which Numba's key includes.
    """
    code = function.__code__
    if code.co_freevars:
        raise TypeError(f"{function.__name__} must not use variables of an enclosing function")
    stamped = FunctionType(
        code.replace(co_freevars=("_digest",)),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        (CellType(source_digest()),),
    )
    stamped.__doc__, stamped.__module__ = function.__doc__, function.__module__
    stamped.__qualname__ = function.__qualname__
    return stamped


def kernel(function: Function) -> Function:
    """Compile a function whose arithmetic is that of the processor: 1/0 is infinite.

    Numba would compile it once for every integer that stands in the source of its callers; this
    one is compiled once for all integers.
    """
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(
        _with_source_digest(function)
    )
    find = compiled.get_call_template
    compiled.get_call_template = lambda args, kws: find(tuple(unliteral(arg) for arg in args), kws)
    result: Function = compiled
    return result


def cache_directory(compiled: Any) -> Path:
    """Return the directory in which Numba keeps a compiled function."""
    return Path(compiled.stats.cache_path)
