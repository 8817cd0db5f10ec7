"""Sizes of what could grow in a process that works for months."""

from __future__ import annotations

import os
import pathlib
import shutil
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Sizes of what could grow."""

    arrivals: int
    memory: int
    resident: int
    objects: int
    descriptors: int
    threads: int
    ledger: int
    outbox: int
    queued: int


def traced_memory() -> int:
    """Return the bytes that Python objects have, but the table of strings that paths share.

    That table is the interpreter's: it holds nothing by itself, and doubles its size now and then.
    """
    shared = tracemalloc.Filter(False, pathlib.__file__)
    found = tracemalloc.take_snapshot().filter_traces([shared]).statistics("filename")
    return sum(one.size for one in found)


@contextmanager
def directory_in_memory(otherwise: pathlib.Path) -> Iterator[pathlib.Path]:
    """Make a directory in which many transactions take no time, where there is memory for files."""
    memory = pathlib.Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield otherwise
        return
    found = memory / f"headrace-simulated-{os.getpid()}"
    found.mkdir()
    try:
        yield found
    finally:
        shutil.rmtree(found)
