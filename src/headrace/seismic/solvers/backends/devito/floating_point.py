"""The state of a thread's floating-point unit.

A library that was compiled with ``-ffast-math`` makes the thread that loads it flush denormal
numbers to zero, and it is loaded once in a process: what is computed in that thread differs in its
last bits from what any other thread computes. So the state is set before every computation.
"""

from __future__ import annotations

import ctypes
import functools
import platform
import sys
from collections.abc import Callable

_MACHINES = ("x86_64", "aarch64")
"""Machines whose Linux C libraries have -1 for the address of their default state, FE_DFL_ENV."""


def set_default_state() -> None:
    """Make the calling thread compute as IEEE 754 says: round to nearest, keep denormal numbers.

    Threads that it starts afterwards begin with the same state. Elsewhere than on Linux nothing
    is changed.
    """
    _setter()()


@functools.cache
def _setter() -> Callable[[], object]:
    if not sys.platform.startswith("linux") or platform.machine() not in _MACHINES:
        return lambda: None
    set_state = ctypes.CDLL(None).fesetenv
    set_state.argtypes, set_state.restype = [ctypes.c_void_p], ctypes.c_int
    return functools.partial(set_state, ctypes.c_void_p(-1))
