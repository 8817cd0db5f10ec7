"""Compilation shared by all processes of a machine: one compiles, the others load the result."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numba

_LONGEST_WAIT: Final = 300.0
"""Seconds after which a process compiles for itself: the one that holds the lock has stopped."""

_PAUSE: Final = 0.05


def compile_once(
    work: Callable[[], object], cache: Path, version: str, longest_wait: float = _LONGEST_WAIT
) -> bool:
    """Compile unless another process of this machine does, which is waited for.

    Several jobs that start together on one machine would each compile the same for 15 to 30
    seconds of processor time. A note in the cache's directory says what has been compiled, so
    that later processes do not even take the lock.

    Args:
        work: compiles, or loads from the cache what is there.
        cache: directory in which the compiler keeps what it has compiled.
        version: of the source.
        longest_wait: seconds to wait for another process.

    Returns:
        True if this process was the one that compiled, or had to be.
    """
    note = _note(cache, version)
    if note.exists():
        work()
        return False
    with _lock(note.with_suffix(".lock"), longest_wait):
        if note.exists():
            work()
            return False
        work()
        try:
            note.touch()
        except OSError:
            return True  # Without the note the next process takes the lock, and finds the cache.
    return True


def is_compiled(cache: Path, version: str) -> bool:
    """Return whether a process of this machine has compiled.

    Args:
        cache: directory in which the compiler keeps what it has compiled.
        version: of the source.
    """
    return _note(cache, version).exists()


def _note(cache: Path, version: str) -> Path:
    return cache / f"headrace-{_stamp(version)}.compiled"


def _stamp(version: str) -> str:
    """Return a digest of all that compiled code depends on."""
    parts = (version, numba.__version__, _processor())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _processor() -> str:
    """Describe the processor: machines of several kinds may share a file system."""
    try:
        first, _, _ = Path("/proc/cpuinfo").read_text().partition("\n\n")
    except OSError:
        return platform.machine()
    kept = [line for line in first.splitlines() if line.startswith(("model name", "flags"))]
    return "\n".join([platform.machine(), *kept])


@contextmanager
def _lock(path: Path, longest_wait: float) -> Iterator[None]:
    """Hold a lock, or go on without it where it cannot be had."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        yield  # The cache cannot be written: every process compiles for itself.
        return
    try:
        deadline = time.monotonic() + longest_wait
        while time.monotonic() < deadline:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_PAUSE)
            except OSError:
                break  # A file system without locks.
        yield
    finally:
        os.close(descriptor)
