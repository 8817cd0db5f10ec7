"""Batches of traces that are fitted together, and lanes that hold one of them each."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headrace.datarun.fit.basis import POINTS, TRACE, product
from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.lanes import WIDTH

BATCH_TRACES = 1024
"""Traces of a batch: enough that few lanes are idle at its end, few enough for the caches."""


class Batch(NamedTuple):
    """Traces whose ranges take up the same number of padded samples.

    Attributes:
        samples: of all traces.
        saturation: samples from this value on are left out.
        first: where each trace's range starts in the samples.
        length: of the range.
        count: how many of its samples are fitted.
        level: the smaller of the range's first and last sample. The trace is moved by it, which
            spares digits.
        total: sum of the moved samples that are fitted.
        squares: sum of their squares.
    """

    samples: Any
    saturation: Any
    first: Any
    length: Any
    count: Any
    level: Any
    total: Any
    squares: Any


def make_batch(samples: Any, saturation: Any) -> Batch:
    """Make room for a batch.

    Args:
        samples: of all traces.
        saturation: samples from this value on are left out.

    Returns:
        No traces yet.
    """
    integers = [np.zeros(BATCH_TRACES, np.int64) for _ in range(3)]
    numbers = [np.zeros(BATCH_TRACES) for _ in range(3)]
    return Batch(samples, saturation, *integers, *numbers)


@kernel
def measure(batch: Batch, trace: Any, first: Any, length: Any) -> None:
    """Describe a trace in its batch.

    Args:
        batch: the batch.
        trace: number of the trace in it.
        first: where the range that is fitted starts in the samples.
        length: of the range, at least 1.
    """
    samples, saturation = batch.samples, batch.saturation
    level = np.int64(min(samples[first], samples[first + length - 1]))
    # Integers, so that any order gives the same sums.
    count: Any = 0
    total: Any = 0
    squares: Any = 0
    for i in range(length):
        raw = np.int64(samples[first + i])
        value = raw - level if float(raw) < saturation else 0
        count += 1 if float(raw) < saturation else 0
        total += value
        squares += value * value
    batch.first[trace], batch.length[trace] = first, length
    batch.count[trace], batch.level[trace] = count, float(level)
    batch.total[trace], batch.squares[trace] = float(total), float(squares)


@kernel
def load_lane(work: Any, batch: Batch, trace: Any, lane: Any, size: Any) -> None:
    """Put a trace into a lane of the workspace.

    Args:
        work: the workspace.
        batch: the batch.
        trace: number of the trace in it.
        lane: which lane.
        size: samples of a row, padded.
    """
    first, length, level = batch.first[trace], batch.length[trace], batch.level[trace]
    for i in range(length):
        value = float(batch.samples[first + i])
        fitted = value < batch.saturation
        work.points[i, lane] = 1.0 if fitted else 0.0
        work.trace[i, lane] = value - level if fitted else 0.0
    for i in range(length, size):
        work.points[i, lane] = 0.0
        work.trace[i, lane] = 0.0
    products, row = work.products, lane
    products[product(POINTS, POINTS) // WIDTH, row] = batch.count[trace]
    products[product(TRACE, POINTS) // WIDTH, row] = batch.total[trace]
    products[product(TRACE, TRACE) // WIDTH, row] = batch.squares[trace]
