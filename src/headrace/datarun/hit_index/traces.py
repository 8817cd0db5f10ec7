"""Traces of single hits and their fits, read from a segment where its index says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.errors import DataRunError
from headrace.datarun.extension import COMPLETE, EXTENSION
from headrace.datarun.hit_index.index_file import FITTED_BYTES, Header, Stamp


class SegmentChanged(DataRunError):
    """A segment is no longer what was indexed."""


@dataclass(frozen=True)
class FittedTrace:
    """A trace.

    Attributes:
        samples: ADC units.
        fit: an `EXTENSION` record; None where the hit has no fit.
    """

    samples: NDArray[np.uint16]
    fit: np.void | None


def read_traces(path: Path, header: Header, records: Sequence[np.void]) -> list[FittedTrace]:
    """Read the traces of some hits.

    Args:
        path: the segment.
        header: of its index.
        records: of the hits.

    Raises:
        SegmentChanged: it was changed since it was indexed.
        DataRunError: it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise DataRunError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        _refuse_changed(path, header, descriptor)
        found = [_read_trace(descriptor, path, record) for record in records]
        _refuse_changed(path, header, descriptor)
    except OSError as error:
        raise DataRunError(f"{path}: cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    return found


def _refuse_changed(path: Path, header: Header, descriptor: int) -> None:
    now = Stamp.of(os.fstat(descriptor))
    # A segment that is being written keeps what was indexed of it.
    has_grown = now.inode == header.stamp.inode and now.size > header.stamp.size
    if now != header.stamp and not has_grown:
        raise SegmentChanged(f"{path.name} has changed: its index is being made anew")


def _read_trace(descriptor: int, path: Path, record: np.void) -> FittedTrace:
    length, gap, size = 2 * int(record["samples"]), int(record["gap"]), int(record["fits"])
    fitted = size >= FITTED_BYTES
    wanted = length + (gap + size if fitted else 0)
    data = os.pread(descriptor, wanted, int(record["trace"]))
    if len(data) < wanted:
        raise SegmentChanged(f"{path.name} has become shorter: its index is being made anew")
    samples = np.frombuffer(data, "<u2", int(record["samples"]))
    if not fitted:
        return FittedTrace(samples, None)
    fit = np.zeros(1, EXTENSION)
    raw = data[length + gap :].ljust(COMPLETE, b"\0")
    fit[0] = np.frombuffer(raw, EXTENSION, 1)[0]
    return FittedTrace(samples, fit[0])
