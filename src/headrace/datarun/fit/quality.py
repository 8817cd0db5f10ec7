"""Quality of fits: residuals, chi-square, covariance, and which model is the likelier one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headrace.datarun.fit.basis import (
    BLOCK,
    POINTS,
    add_block,
    begin_products,
    product,
)
from headrace.datarun.fit.batch import Batch, load_lane
from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.lanes import WIDTH, fma, larger, load, select, splat, store

_ROUNDING = 1.0 / 12.0
_OUTLIER = 5.0
_SINGULAR = 1e-13


class FitTable(NamedTuple):
    """Best fits of one model to the traces of a batch, and what their residuals are like.

    Attributes:
        q: non-linear parameters, shape (traces, 6).
        linear: amplitudes and offset, shape (traces, 3).
        value: sum of squared residuals; infinite without a fit.
        iterations: of the best start.
        status: how it ended.
        whiteness: von Neumann's ratio of the residuals: 2 for noise, less where the model misses
            something. The mean square of successive differences over the mean square (von
            Neumann 1941). Its standard deviation for white noise is 2 / sqrt(points).
        neyman: Neyman's chi-square: squared residual over sample, of the points that are fitted
            and not zero.
        extreme: square of the largest residual.
        peak: sample of the greatest residual.
    """

    q: Any
    linear: Any
    value: Any
    iterations: Any
    status: Any
    whiteness: Any
    neyman: Any
    extreme: Any
    peak: Any


def make_table(count: int) -> FitTable:
    """Make a table for so many traces."""
    return FitTable(
        np.zeros((count, 6)),
        np.zeros((count, 3)),
        np.zeros(count),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count),
        np.zeros(count),
        np.zeros(count),
        np.zeros(count, np.int64),
    )


@kernel
def load_fits(
    work: Any, batch: Batch, table: FitTable, traces: Any, first: Any, count: Any, size: Any
) -> None:
    """Put up to eight traces and their fits into the lanes; those that are left repeat the first.

    Args:
        work: the workspace; its state receives parameters, then amplitudes and offset.
        batch: the batch.
        table: the fits.
        traces: numbers of traces of the batch.
        first: where the eight stand among them.
        count: how many numbers there are.
        size: samples of a row, padded.
    """
    for lane in range(WIDTH):
        trace = traces[first + lane if first + lane < count else first]
        load_lane(work, batch, trace, lane, size)
        for i in range(6):
            work.state[i, lane] = table.q[trace, i]
        for i in range(3):
            work.state[6 + i, lane] = table.linear[trace, i]
        work.state[9, lane] = batch.level[trace]


@kernel
def subtract(work: Any, kind: Any, pulses: Any, size: Any, keep: Any) -> None:
    """Fill the workspace's residual: trace less model, 0 where nothing is fitted.

    Args:
        work: the workspace, with traces and fits in its lanes.
        kind: of the pulses.
        pulses: 1 or 2.
        size: samples of a row, padded.
        keep: 1 to fill the tangents too, else 0.
    """
    state, rows = work.state, work.rows
    begin_products(work, kind, pulses, state, 0)
    one, two, offset = (
        load(state, 6 * WIDTH),
        load(state, 7 * WIDTH),
        load(state, (6 + pulses) * WIDTH),
    )
    for begin in range(0, size, BLOCK):
        add_block(work, kind, pulses, begin, begin + BLOCK, state, 0)
        for j in range(BLOCK):
            at = (begin + j) * WIDTH
            model = offset * load(work.points, at)
            model = fma(one, load(rows, 4 * j * WIDTH), model)
            if pulses == 2:
                model = fma(two, load(rows, 4 * (BLOCK + j) * WIDTH), model)
            store(work.residual, at, load(work.trace, at) - model)
            if keep:
                for k in range(4):
                    tangent = load(rows, (4 * j + k) * WIDTH)
                    store(work.tangents, (4 * (begin + j) + k) * WIDTH, tangent)


@kernel
def describe(work: Any, table: FitTable, traces: Any, first: Any, count: Any, size: Any) -> None:
    """Describe the residuals of up to eight traces in their table.

    Args:
        work: the workspace, with traces and residuals in its lanes.
        table: the fits.
        traces: numbers of traces of the batch.
        first: where the eight stand among them.
        count: how many numbers there are.
        size: samples of a row, padded.
    """
    nothing = splat(0.0)
    differences, squares, pairs, points = nothing, nothing, nothing, nothing
    neyman, extreme, peak, place = nothing, nothing, splat(-np.inf), nothing
    level = load(work.state, 9 * WIDTH)
    before, fitted_before = nothing, nothing
    for i in range(size):
        at = i * WIDTH
        residual, fitted = load(work.residual, at), load(work.points, at)
        square = residual * residual
        value = load(work.trace, at) + level
        counts = (fitted > 0.0) & (larger(value, -value) > 0.0)
        neyman = neyman + select(counts, square / value, nothing)
        squares = squares + square
        points = points + fitted
        both = fitted * fitted_before
        difference = (residual - before) * both
        differences = fma(difference, difference, differences)
        pairs = pairs + both
        extreme = larger(square, extreme)
        place = select(residual > peak, splat(float(i)), place)
        peak = larger(residual, peak)
        before, fitted_before = residual, fitted
    ratio = differences / pairs / (squares / points)
    ratio = select((pairs > 0.0) & (squares > 0.0), ratio, splat(2.0))
    store(work.state, 0, ratio)
    store(work.state, WIDTH, neyman)
    store(work.state, 2 * WIDTH, extreme)
    store(work.state, 3 * WIDTH, place)
    for lane in range(min(WIDTH, count - first)):
        trace = traces[first + lane]
        table.whiteness[trace], table.neyman[trace] = work.state[0, lane], work.state[1, lane]
        table.extreme[trace] = work.state[2, lane]
        table.peak[trace] = np.int64(work.state[3, lane])


@kernel
def describe_all(
    work: Any,
    kind: Any,
    pulses: Any,
    batch: Batch,
    table: FitTable,
    traces: Any,
    count: Any,
    size: Any,
) -> None:
    """Describe the residuals of fits in their table.

    Args:
        work: the workspace.
        kind: of the pulses.
        pulses: 1 or 2.
        batch: the traces.
        table: the fits.
        traces: numbers of the traces.
        count: how many.
        size: samples of a row, padded.
    """
    for first in range(0, count, WIDTH):
        load_fits(work, batch, table, traces, first, count, size)
        subtract(work, kind, pulses, size, 0)
        describe(work, table, traces, first, count, size)


@kernel
def covary_all(
    work: Any,
    kind: Any,
    pulses: Any,
    batch: Batch,
    table: FitTable,
    traces: Any,
    count: Any,
    size: Any,
    chosen: Any,
    covariances: Any,
) -> None:
    """Compute the covariances of fits; arguments as of `describe_all`.

    Args:
        work: the workspace.
        kind: of the pulses.
        pulses: 1 or 2.
        batch: the traces.
        table: the fits.
        traces: numbers of the traces in the batch.
        count: how many.
        size: samples of a row, padded.
        chosen: their numbers among all.
        covariances: receives one a trace.
    """
    freedom = pulses * (1 + kind) + 1
    for first in range(0, count, WIDTH):
        load_fits(work, batch, table, traces, first, count, size)
        subtract(work, kind, pulses, size, 0)
        for lane in range(min(WIDTH, count - first)):
            trace = traces[first + lane]
            variance = table.value[trace] / max(batch.count[trace] - freedom, 1)
            linear, out = table.linear[trace], covariances[chosen[trace]]
            covariance(work, lane, kind, pulses, linear, variance, out)


@kernel
def has_outlier(table: FitTable, trace: Any, variance: Any) -> Any:
    """Return whether one residual is too large for noise of a variance."""
    return table.extreme[trace] > _OUTLIER**2 * max(variance, _ROUNDING)


@kernel
def probability(single: Any, double: Any, count: Any, more: Any) -> Any:
    """Return the probability of two pulses against one, both equally likely before.

    By Schwarz's criterion (1978) for Gaussian noise of unknown variance: each further parameter
    must win as much as the logarithm of the number of points.

    Args:
        single: sum of squared residuals of the single fit.
        double: of the double fit.
        count: points fitted.
        more: parameters that the double model has more.
    """
    minimum = count * _ROUNDING  # no fit knows a sample better than it was rounded
    gain = 0.5 * count * np.log(max(single, minimum) / max(double, minimum))
    gain -= 0.5 * more * np.log(float(count))
    return 1.0 / (1.0 + np.exp(-min(max(gain, -700.0), 700.0)))


@kernel
def covariance(
    work: Any, lane: Any, kind: Any, pulses: Any, linear: Any, variance: Any, out: Any
) -> None:
    """Compute the covariance of all parameters, from the curvature at the minimum.

    Args:
        work: the workspace, with the products of the minimum's rows.
        lane: of the trace.
        kind: of the pulses.
        pulses: 1 or 2.
        linear: amplitudes and offset.
        variance: of a sample.
        out: shape (pulses * (1 + kind) + 1,) squared, receives the covariance: of each pulse
            position, amplitude, steepness, decay; then offset. Not a number where the parameters
            cannot be distinguished.
    """
    used = pulses * (1 + kind)
    unknowns = used + 1
    row = np.empty(unknowns, np.int64)
    factor = np.empty(unknowns)
    for pulse in range(pulses):
        first = pulse * (1 + kind)
        for k in range(1 + kind):
            # Rows hold shape, then derivatives by position, ...; parameters position, amplitude.
            row[first + k] = first + (1 - k if k < 2 else k)
            factor[first + k] = 1.0 if k == 1 else linear[pulse]
    row[used] = POINTS
    factor[used] = 1.0
    normal = np.empty((unknowns, unknowns))
    scale = np.empty(unknowns)
    for i in range(unknowns):
        for j in range(i + 1):
            total = work.products[product(row[i], row[j]) // WIDTH, lane]
            normal[i, j] = total * factor[i] * factor[j]
        scale[i] = np.sqrt(normal[i, i])
    for i in range(unknowns):
        for j in range(i + 1):
            normal[i, j] /= scale[i] * scale[j]
    if not _factorise(normal, unknowns):
        for i in range(unknowns):
            for j in range(unknowns):
                out[i, j] = np.nan
        return
    column = np.empty(unknowns)
    for j in range(unknowns):
        for i in range(unknowns):
            column[i] = 1.0 if i == j else 0.0
        _solve_factorised(normal, unknowns, column)
        for i in range(unknowns):
            out[i, j] = variance * column[i] / (scale[i] * scale[j])


@kernel
def _factorise(matrix: Any, n: Any) -> Any:
    """Cholesky's factor of a symmetric matrix in its own lower triangle; whether it has one."""
    for j in range(n):
        diagonal = matrix[j, j]
        rest = diagonal
        for k in range(j):
            rest -= matrix[j, k] * matrix[j, k]
        if not rest > _SINGULAR * diagonal:  # also if it is not a number
            return False
        root = np.sqrt(rest)
        matrix[j, j] = root
        for i in range(j + 1, n):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = total / root
    return True


@kernel
def _solve_factorised(factor: Any, n: Any, x: Any) -> None:
    """Solves with Cholesky's factor, in place."""
    for i in range(n):
        total = x[i]
        for k in range(i):
            total -= factor[i, k] * x[k]
        x[i] = total / factor[i, i]
    for i in range(n - 1, -1, -1):
        total = x[i]
        for k in range(i + 1, n):
            total -= factor[k, i] * x[k]
        x[i] = total / factor[i, i]
