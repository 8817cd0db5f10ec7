"""Both fits of many traces.

What leads from batch to batch is not compiled: that would compile again all that it calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.fit.basis import BLOCK, LOGISTIC
from headrace.datarun.fit.batch import BATCH_TRACES, Batch, make_batch
from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.grid import grid_search
from headrace.datarun.fit.guess import guess_pulse
from headrace.datarun.fit.quality import FitTable, covary_all, describe_all, make_table
from headrace.datarun.fit.records import begin_records, keep_fitted, write_doubles, write_singles
from headrace.datarun.fit.solver import CONVERGED, FAILED, Jobs, add_job, make_jobs, minimise
from headrace.datarun.fit.starts import (
    DOUBLE_ITERATIONS,
    JOBS_PER_TRACE,
    Starts,
    fit_two_pulses,
    keep_better,
    make_starts,
)
from headrace.datarun.fit.workspace import Workspace

SINGLE_ITERATIONS = 50
"""Most iterations of a single fit, as in the reference."""


@kernel
def _add_pulses(
    work: Any, kind: Any, batch: Batch, jobs: Jobs, traces: Any, count: Any, size: Any
) -> None:
    """Start at the reference's guess of one pulse, or at the best position of a template."""
    start, unused = np.zeros(6), np.zeros(6)
    for k in range(count):
        trace = traces[k]
        guess_pulse(batch, trace, start)
        if kind != LOGISTIC:
            grid_search(work, kind, batch, trace, size, start, start, unused)
        add_job(jobs, trace, SINGLE_ITERATIONS, start)


@kernel
def _add_slower_pulses(batch: Batch, table: FitTable, jobs: Jobs, traces: Any, count: Any) -> None:
    """Start again where the first start leads to what is no pulse.

    The reference's guess takes a pulse for a fast one that has not fallen when the trace ends.
    """
    start = np.zeros(6)
    for k in range(count):
        trace = traces[k]
        q = table.q[trace]
        wrong = table.linear[trace, 0] <= 0.0 or q[2] <= 0.0 or q[1] <= q[2]
        if wrong or table.status[trace] != CONVERGED:
            guess_pulse(batch, trace, start)
            start[0] -= 0.5 * np.log(9.0) / start[1]
            start[2] = 2.0 / batch.length[trace]
            add_job(jobs, trace, SINGLE_ITERATIONS, start)


@kernel
def _add_pairs(
    work: Any, kind: Any, batch: Batch, jobs: Jobs, traces: Any, count: Any, size: Any
) -> None:
    """Start two templates at the best pair of positions on a grid."""
    shape, unused, start = np.zeros(3), np.zeros(3), np.zeros(6)
    for k in range(count):
        start[0] = -1.0
        grid_search(work, kind, batch, traces[k], size, shape, unused, start)
        if start[0] >= 0.0:
            add_job(jobs, traces[k], DOUBLE_ITERATIONS, start)


@dataclass(frozen=True)
class Memory:
    """Room for the fits of one batch of traces after the other.

    Attributes:
        work: lanes and rows.
        batch: all samples, and the batch's traces.
        single: their single fits.
        double: their double fits.
        starts: where the double fits start.
        jobs: searches for minima.
    """

    work: Workspace
    batch: Batch
    single: FitTable
    double: FitTable
    starts: Starts
    jobs: Jobs


def make_memory(work: Workspace, samples: NDArray[np.uint16], saturation: float) -> Memory:
    """Make room for the fits of traces.

    Args:
        work: the workspace.
        samples: of all traces.
        saturation: samples from this value on are left out.

    Returns:
        The memory.
    """
    return Memory(
        work,
        make_batch(samples, saturation),
        make_table(BATCH_TRACES),
        make_table(BATCH_TRACES),
        make_starts(),
        make_jobs(JOBS_PER_TRACE * BATCH_TRACES),
    )


def fit_many(
    memory: Memory,
    kind: int,
    trace_starts: NDArray[np.int64],
    chosen: NDArray[np.int64],
    bounds: tuple[int, int],
    when: int,
    records: tuple[NDArray[np.float64], NDArray[np.uint32]],
    covariances: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Fit traces and write their records.

    Args:
        memory: room for them.
        kind: `LOGISTIC` or `TEMPLATE`.
        trace_starts: where each trace starts in the samples, one more than traces.
        chosen: numbers of the traces to fit.
        bounds: first and last sample of the range; shorter traces end it earlier.
        when: the double fit is made: `SINGLE_ONLY`, `IF_NEEDED` or `ALWAYS`.
        records: the extension records as float64, shape (traces, 21), and the same memory as
            uint32, shape (traces, 42).
        covariances: shape (traces, 5, 5) and (traces, 9, 9), or empty.
    """
    low, high = bounds
    lengths = np.minimum(trace_starts[chosen + 1] - trace_starts[chosen], high + 1) - low
    sizes = -(-np.maximum(lengths, 1) // BLOCK) * BLOCK
    for size in np.unique(sizes):  # traces in one batch have rows of the same length
        alike = chosen[sizes == size]
        for first in range(0, len(alike), BATCH_TRACES):
            part = alike[first : first + BATCH_TRACES]
            traces = np.empty(len(part), np.int64)
            count = begin_records(
                memory.batch, kind + 3, trace_starts, part, low, high, *records, traces
            )
            if count:
                place = (part, low, *records)
                _fit_batch(memory, kind, size, traces, count, when, place, covariances)


def _fit_batch(
    memory: Memory,
    kind: int,
    size: int,
    traces: NDArray[np.int64],
    count: int,
    when: int,
    place: tuple[Any, ...],
    covariances: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    work, batch, single, double = memory.work, memory.batch, memory.single, memory.double
    jobs, changed = memory.jobs, memory.starts.changed
    chosen, low, *records = place
    single.value[:] = double.value[:] = np.inf
    single.status[:] = double.status[:] = FAILED
    _add_pulses(work, kind, batch, jobs, traces, count, size)
    minimise(work, kind, 1, size, batch, jobs)
    keep_better(jobs, single, changed)
    if kind == LOGISTIC:
        _add_slower_pulses(batch, single, jobs, traces, count)
        minimise(work, kind, 1, size, batch, jobs)
        keep_better(jobs, single, changed)
    count = _describe_fitted(
        work, kind, 1, batch, single, traces, count, size, chosen, covariances[0]
    )
    count = write_singles(kind, batch, single, traces, count, chosen, low, when, *records)
    if count == 0:
        return
    if kind == LOGISTIC:
        starts = memory.starts
        fit_two_pulses(work, batch, single, double, starts, jobs, traces, count, size)
    else:
        _add_pairs(work, kind, batch, jobs, traces, count, size)
        minimise(work, kind, 2, size, batch, jobs)
        keep_better(jobs, double, changed)
    count = _describe_fitted(
        work, kind, 2, batch, double, traces, count, size, chosen, covariances[1]
    )
    write_doubles(kind, batch, single, double, traces, count, chosen, low, *records)


def _describe_fitted(
    work: Workspace,
    kind: int,
    pulses: int,
    batch: Batch,
    table: FitTable,
    traces: NDArray[np.int64],
    count: int,
    size: int,
    chosen: NDArray[np.int64],
    covariances: NDArray[np.float64],
) -> int:
    """Describe the traces that have a fit, with covariances where asked; return how many."""
    count = int(keep_fitted(table, traces, count))
    fits = (work, kind, pulses, batch, table, traces, count, size)
    describe_all(*fits)
    if len(covariances):
        covary_all(*fits, chosen, covariances)
    return count
