"""Best positions of pulses of a given shape on a grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.datarun.fit.basis import GRID_POSITIONS, LOGISTIC
from headrace.datarun.fit.batch import Batch
from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.lanes import WIDTH, exp, fma, load, select, splat, store

_INDEPENDENT = 1e-9


@kernel
def _fill_shape(work: Any, kind: Any, size: Any, shape: Any) -> None:
    """Fill the workspace's shape: a pulse at distances from -size to size from its position."""
    values = work.shape
    if kind == LOGISTIC:
        steepness, decay = splat(shape[1]), splat(shape[2])
        for lane in range(WIDTH):
            work.state[0, lane] = float(lane - size)
        distance = load(work.state, 0)
        for k in range(0, 2 * size, WIDTH):
            before = distance < 0.0
            rise = exp(select(before, steepness, -steepness) * distance)
            fall = exp(select(before, steepness - decay, -decay) * distance)
            store(values, k, fall / (rise + 1.0))
            distance = distance + float(WIDTH)
        return
    template, last = work.template, work.template.shape[0] - 1
    left = int(np.floor(work.align[0]))
    part = work.align[0] - left
    for k in range(2 * size):
        at = left + k - size
        here = template[min(max(at, 0), last)]
        values[k] = here + part * (template[min(max(at + 1, 0), last)] - here)


@kernel
def _cross_products(work: Any, used: Any, size: Any) -> None:
    """Fill the products of rows of the bank with each other, four at a time."""
    bank, crossed = work.bank, work.crossed
    row = bank.shape[1]
    for a in range(used):
        for b in range(0, a + 1, 4):
            s0 = s1 = s2 = s3 = splat(0.0)
            for i in range(0, size, WIDTH):
                x = load(bank, a * row + i)
                s0 = fma(x, load(bank, b * row + i), s0)
                s1 = fma(x, load(bank, (b + 1) * row + i), s1)
                s2 = fma(x, load(bank, (b + 2) * row + i), s2)
                s3 = fma(x, load(bank, (b + 3) * row + i), s3)
            store(work.state, 0, s0)
            store(work.state, WIDTH, s1)
            store(work.state, 2 * WIDTH, s2)
            store(work.state, 3 * WIDTH, s3)
            for k in range(min(4, a + 1 - b)):
                total = 0.0
                for lane in range(WIDTH):
                    total += work.state[k, lane]
                crossed[a, b + k] = total


@kernel
def grid_search(
    work: Any,
    kind: Any,
    batch: Batch,
    number: Any,
    size: Any,
    shape: Any,
    singles: Any,
    doubles: Any,
) -> None:
    """Find the best single position and the best pair of positions on a grid, for a given shape.

    Args:
        work: the workspace; its state is overwritten.
        kind: of the pulses.
        batch: the traces.
        number: of the trace.
        size: samples of a row, padded.
        shape: shape (3,): steepness and decay stand in its places 1 and 2.
        singles: receives the parameters of the best pulse with a positive amplitude, as far as
            there is one.
        doubles: receives those of the best two pulses with positive amplitudes, likewise.
    """
    bank, crossed = work.bank, work.crossed
    first, length, level = batch.first[number], batch.length[number], batch.level[number]
    stride = (length + GRID_POSITIONS - 1) // GRID_POSITIONS
    used = (length + stride - 1) // stride
    points, trace = used, used + 1
    for i in range(size):
        value = float(batch.samples[first + i]) if i < length else np.inf
        fitted = value < batch.saturation and i < length
        bank[points, i] = 1.0 if fitted else 0.0
        bank[trace, i] = value - level if fitted else 0.0
    _fill_shape(work, kind, size, shape)
    for a in range(used):
        for i in range(size):
            bank[a, i] = work.shape[size - a * stride + i] * bank[points, i]
    _cross_products(work, used + 2, size)
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
                later = gain * crossed[b, b] - crossed[trace, b] * crossed[a, b]
                earlier = crossed[trace, b] * norm - gain * crossed[a, b]
                if later > 0.0 and earlier > 0.0:
                    explained = (later * gain + earlier * crossed[trace, b]) / determinant
                    if explained > best_two:
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
