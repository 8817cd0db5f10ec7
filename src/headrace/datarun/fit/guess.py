"""Initial parameters of the fits.

The reference's own guesses come first. What it finds for two pulses is often wrong, because a
single pulse fitted to two of them resembles neither; the steepest edges of the trace, a grid of
position pairs, and one pulse split in two lead further.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.datarun.fit.basis import GRID_POSITIONS, LOGISTIC, POINTS, TRACE, copy, fill
from headrace.datarun.fit.compiled import kernel, reduction_kernel

_FALLBACK = 0.1
_SLOWEST_EDGE, _FASTEST_EDGE = 0.1, 2.0
_INDEPENDENT = 1e-9


@kernel
def load_trace(work: Any, traces: Any, first: Any, length: Any, saturation: Any, size: Any) -> Any:
    """Put the points of a trace that are fitted into the workspace.

    The trace is moved by the smaller of its first and last sample, which spares digits.

    Args:
        work: the workspace.
        traces: samples of all traces.
        first: where the fit's range starts in there.
        length: of the range, samples.
        saturation: samples from this value on are left out.
        size: samples of a row, padded.

    Returns:
        How many points are fitted, and by how much the trace was moved.
    """
    rows = work.rows
    level = min(float(traces[first]), float(traces[first + length - 1]))
    count = 0
    total = 0.0
    squares = 0.0
    for i in range(length):
        value = float(traces[first + i])
        fitted = value < saturation
        value -= level
        work.trace[i] = value
        rows[POINTS, i] = 1.0 if fitted else 0.0
        rows[TRACE, i] = value if fitted else 0.0
        if fitted:
            total += value
            squares += value * value
            count += 1
    for i in range(length, size):
        rows[POINTS, i] = 0.0
        rows[TRACE, i] = 0.0
    work.products[POINTS, POINTS] = count
    work.products[TRACE, POINTS] = total
    work.products[TRACE, TRACE] = squares
    return count, level


@kernel
def guess_pulse(trace: Any, length: Any, q: Any) -> None:
    """Return the reference's guess of a single pulse, by its maximum and where it is half as high.

    Args:
        trace: samples.
        length: how many.
        q: receives position, steepness, decay.
    """
    top = 0
    for i in range(length):
        if trace[i] > trace[top]:
            top = i
    offset = min(trace[0], trace[length - 1])
    height = trace[top] - offset
    half = top
    while half > 0 and trace[half] - offset > 0.5 * height:
        half -= 1
    steepness = _FALLBACK
    if half < top:
        steepness = np.log(9.0) / (top - half)

    to_three_quarters = 0
    to_half = 0
    for i in range(top + 1, length):
        value = trace[i] - offset
        if to_three_quarters == 0 and value <= 0.75 * height:
            to_three_quarters = i - top
        if value <= 0.5 * height:
            to_half = i - top
            break
    decay = _FALLBACK
    if to_three_quarters > 0:
        decay = np.log(4.0 / 3.0) / to_three_quarters
        if to_half > 0:
            decay = 0.5 * (decay + np.log(2.0) / to_half)
    q[0], q[1], q[2] = top, steepness, decay


@kernel
def guess_residual(residual: Any, length: Any, single: Any, q: Any) -> None:
    """Return the reference's guess of two pulses.

    The single fit, and its like at the largest residual.

    Args:
        residual: trace less single fit.
        length: how many samples.
        single: position, steepness, decay of the single fit.
        q: receives those of two pulses.
    """
    top = 0
    for i in range(length):
        if residual[i] > residual[top]:
            top = i
    for k in range(3):
        q[k] = q[3 + k] = single[k]
    q[3] = top


@kernel
def _edge_height(trace: Any, at: Any, reach: Any) -> Any:
    """Return whether the samples after one are above those before it, and by how much."""
    total = 0.0
    for j in range(1, reach + 1):
        total += trace[at + j] - trace[at - j]
    return total


@kernel
def guess_edges(trace: Any, length: Any, decay: Any, q: Any) -> None:
    """Two pulses at the two steepest edges of the trace.

    Args:
        trace: samples.
        length: how many.
        decay: of both pulses, 1/sample.
        q: receives position, steepness, decay of two pulses.
    """
    reach = max(3, length // 40)
    first = second = min(reach, length - 1)
    steepest = -np.inf
    for i in range(reach, length - reach):
        edge = _edge_height(trace, i, reach)
        if edge > steepest:
            steepest, first = edge, i
    steepest = -np.inf
    before = -np.inf
    here = _edge_height(trace, reach, reach) if length > 2 * reach else -np.inf
    for i in range(reach, length - reach - 1):
        after = _edge_height(trace, i + 1, reach)
        if abs(i - first) >= reach and here >= before and here >= after and here > steepest:
            steepest, second = here, i
        before, here = here, after
    for pulse in range(2):
        at = first if pulse == 0 else second
        lowest = np.inf
        highest = -np.inf
        for i in range(max(0, at - 2 * reach), min(length, at + 2 * reach)):
            if i <= at:
                lowest = min(lowest, trace[i])
            if i >= at:
                highest = max(highest, trace[i])
        left, right = max(at - 1, 0), min(at + 1, length - 1)
        # In the middle of a logistic edge the slope is a quarter of height times steepness.
        slope = (trace[right] - trace[left]) / max(right - left, 1)
        steepness = 4.0 * slope / max(highest - lowest, 1.0)
        q[3 * pulse] = at
        q[3 * pulse + 1] = min(max(steepness, _SLOWEST_EDGE), _FASTEST_EDGE)
        q[3 * pulse + 2] = decay


@kernel
def guess_split(single: Any, q: Any) -> None:
    """One pulse split in two that are steeper and stand on either side of it."""
    apart = 1.5 / max(abs(single[1]), 0.05)
    for pulse in range(2):
        q[3 * pulse] = single[0] + (apart if pulse else -apart)
        q[3 * pulse + 1] = 1.5 * single[1]
        q[3 * pulse + 2] = single[2]


@reduction_kernel
def _cross_products(bank: Any, used: Any, size: Any, crossed: Any) -> None:
    for a in range(used):
        for b in range(a + 1):
            total = 0.0
            for i in range(size):
                total += bank[a, i] * bank[b, i]
            crossed[a, b] = total


@kernel
def grid_search(
    work: Any, kind: Any, length: Any, size: Any, shape: Any, singles: Any, doubles: Any
) -> None:
    """Return the best single position and the best pair of positions on a grid, for a given shape.

    Args:
        work: the workspace; its rows of pulses are overwritten.
        kind: of the pulses.
        length: samples of the fit's range.
        size: samples of a row, padded.
        shape: shape (3,): steepness and decay stand in its places 1 and 2.
        singles: receives the parameters of the best pulse with a positive amplitude, as far as
            there is one.
        doubles: receives those of the best two pulses with positive amplitudes, likewise.
    """
    bank, crossed = work.bank, work.crossed
    stride = (length + GRID_POSITIONS - 1) // GRID_POSITIONS
    used = (length + stride - 1) // stride
    q = np.empty(3)
    copy(shape, q, 3)
    for a in range(used):
        q[0] = a * stride
        fill(work, kind, np.int64(1), size, q)
        for i in range(size):
            bank[a, i] = work.rows[0, i]
    points, trace = used, used + 1
    for i in range(size):
        bank[points, i] = work.rows[POINTS, i]
        bank[trace, i] = work.rows[TRACE, i]
    _cross_products(bank, used + 2, size, crossed)
    count = max(crossed[points, points], 1.0)
    for a in range(used):  # the offset follows the amplitudes
        crossed[trace, a] -= crossed[points, a] * crossed[trace, points] / count
        for b in range(a + 1):
            crossed[a, b] -= crossed[points, a] * crossed[points, b] / count

    best_one = best_two = 0.0
    one = two = other = -1
    for a in range(used):
        norm = crossed[a, a]
        gain = crossed[trace, a]
        if gain > 0.0 and norm > 0.0 and gain * gain / norm > best_one:
            best_one = gain * gain / norm
            one = a
        for b in range(a):
            determinant = norm * crossed[b, b] - crossed[a, b] ** 2
            if determinant > _INDEPENDENT * norm * crossed[b, b]:
                later = (gain * crossed[b, b] - crossed[trace, b] * crossed[a, b]) / determinant
                earlier = (crossed[trace, b] * norm - gain * crossed[a, b]) / determinant
                explained = later * gain + earlier * crossed[trace, b]
                if later > 0.0 and earlier > 0.0 and explained > best_two:
                    best_two = explained
                    two, other = a, b
    if one >= 0:
        singles[0] = one * stride
        if kind == LOGISTIC:
            singles[1], singles[2] = shape[1], shape[2]
    if two >= 0:
        for pulse in range(2):
            doubles[pulse * kind] = (two if pulse else other) * stride
            if kind == LOGISTIC:
                doubles[pulse * kind + 1] = shape[1]
                doubles[pulse * kind + 2] = shape[2]
