"""Little-endian words in a byte array, inside Numba kernels.

Every byte is widened to int64 before arithmetic, because Numba would otherwise make floats of
mixed signed and unsigned integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile a function for machine speed; the result is kept on disk between processes."""
    compiled: Function = numba.njit(cache=True, nogil=True)(function)
    return compiled


def inlined(function: Function) -> Function:
    """Compile a small function into its callers, which spares counting references to arrays."""
    compiled: Function = numba.njit(inline="always")(function)
    return compiled


@inlined
def read_u16(data: Any, at: Any) -> Any:
    """Return the 16-bit word at a byte."""
    k = np.uint64(at)  # an unsigned index is spared the test for counting from the end
    return np.int64(data[k]) | (np.int64(data[k + np.uint64(1)]) << 8)


@inlined
def read_u32(data: Any, at: Any) -> Any:
    """Return the 32-bit word at a byte."""
    k = np.uint64(at)
    return (
        np.int64(data[k])
        | (np.int64(data[k + np.uint64(1)]) << 8)
        | (np.int64(data[k + np.uint64(2)]) << 16)
        | (np.int64(data[k + np.uint64(3)]) << 24)
    )


@inlined
def read_u64(data: Any, at: Any) -> Any:
    """Return the 64-bit word at a byte, as uint64."""
    return np.uint64(read_u32(data, at)) | (np.uint64(read_u32(data, at + 4)) << np.uint64(32))


@inlined
def write_u16(data: Any, at: Any, value: Any) -> None:
    """Write a 16-bit word."""
    k = np.uint64(at)
    data[k] = value & 0xFF
    data[k + np.uint64(1)] = (value >> 8) & 0xFF


@inlined
def write_u32(data: Any, at: Any, value: Any) -> None:
    """Write a 32-bit word."""
    write_u16(data, at, value)
    write_u16(data, at + 2, value >> 16)


@inlined
def write_u64(data: Any, at: Any, value: Any) -> None:
    """Write a uint64."""
    write_u32(data, at, np.int64(value & np.uint64(0xFFFFFFFF)))
    write_u32(data, at + 4, np.int64(value >> np.uint64(32)))
