"""Extension records of the fits of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.datarun.extension import COMPLETE
from headrace.datarun.fit.basis import LOGISTIC
from headrace.datarun.fit.batch import Batch, measure
from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.quality import FitTable, has_outlier, probability
from headrace.datarun.fit.solver import FAILED, NOT_ATTEMPTED

SINGLE_ONLY, IF_NEEDED, ALWAYS = 0, 1, 2
"""Conditions for the double fit."""

_SINGLE, _DOUBLE = 0, 7
_P_SINGLE, _P_DOUBLE = 18, 19
_SIZE_WORD = 40


@kernel
def _write_pulse(
    row: Any, at: Any, kind: Any, amplitude: Any, q: Any, first: Any, low: Any
) -> None:
    row[at] = q[first] + low
    row[at + 1] = amplitude
    if kind == LOGISTIC:
        row[at + 2] = q[first + 1]
        row[at + 3] = q[first + 2]


@kernel
def begin_records(
    batch: Batch,
    minimum: Any,
    trace_starts: Any,
    chosen: Any,
    low: Any,
    high: Any,
    values: Any,
    words: Any,
    traces: Any,
) -> Any:
    """Write records without fits, and describe the traces that have points enough.

    Args:
        batch: all samples, and room for a batch of traces.
        minimum: fewest points of a fit.
        trace_starts: where each trace starts in the samples, one more than traces.
        chosen: numbers of the batch's traces.
        low: first sample of the range.
        high: last sample of it; shorter traces end it earlier.
        values: the extension records as float64.
        words: the same memory as uint32.
        traces: receives which traces of the batch can be fitted.

    Returns:
        How many these are.
    """
    count = 0
    for number in range(chosen.shape[0]):
        k = chosen[number]
        word = words[k]
        for i in range(values.shape[1]):
            values[k, i] = 0.0
        word[_SIZE_WORD] = COMPLETE
        samples = trace_starts[k + 1] - trace_starts[k]
        if samples == 0:  # as the reference has it: nothing but zeros
            continue
        word[2 * _SINGLE + 13] = FAILED
        word[2 * _DOUBLE + 21] = FAILED
        length = min(high, samples - 1) - low + 1
        if length < 1:
            continue
        measure(batch, number, trace_starts[k] + low, length)
        if batch.count[number] >= minimum:
            traces[count] = number
            count += 1
    return count


@kernel
def keep_fitted(table: FitTable, traces: Any, count: Any) -> Any:
    """Leave traces out that have no fit; return how many remain."""
    fitted = 0
    for k in range(count):
        if np.isfinite(table.value[traces[k]]):
            traces[fitted] = traces[k]
            fitted += 1
    return fitted


@kernel
def write_singles(
    kind: Any,
    batch: Batch,
    table: FitTable,
    traces: Any,
    count: Any,
    chosen: Any,
    low: Any,
    when: Any,
    values: Any,
    words: Any,
) -> Any:
    """Write single fits, and leave traces out that need no other one; return how many remain."""
    needed = 0
    for k in range(count):
        trace = traces[k]
        row, word = values[chosen[trace]], words[chosen[trace]]
        linear = table.linear[trace]
        _write_pulse(row, _SINGLE, kind, linear[0], table.q[trace], 0, low)
        row[_SINGLE + 4] = table.neyman[trace]
        row[_SINGLE + 5] = linear[1] + batch.level[trace]
        word[2 * _SINGLE + 12] = table.iterations[trace]
        word[2 * _SINGLE + 13] = table.status[trace]
        row[_P_SINGLE] = 1.0
        points = batch.count[trace]
        looked_for = when != SINGLE_ONLY and points >= 2 * kind + 4
        if looked_for and when == IF_NEEDED:
            variance = table.value[trace] / max(points - kind - 2, 1)
            noise = table.whiteness[trace] >= 2.0 - 4.0 / np.sqrt(points)
            looked_for = not noise or has_outlier(table, trace, variance)
        if looked_for:
            traces[needed] = trace
            needed += 1
        else:
            word[2 * _DOUBLE + 21] = NOT_ATTEMPTED
    return needed


@kernel
def write_doubles(
    kind: Any,
    batch: Batch,
    single: FitTable,
    table: FitTable,
    traces: Any,
    count: Any,
    chosen: Any,
    low: Any,
    values: Any,
    words: Any,
) -> None:
    """Write double fits and the probabilities, the pulses in order of position."""
    for k in range(count):
        trace = traces[k]
        row, word = values[chosen[trace]], words[chosen[trace]]
        q, linear = table.q[trace], table.linear[trace]
        one, two = (1, 0) if q[0] > q[kind] else (0, 1)
        _write_pulse(row, _DOUBLE, kind, linear[one], q, one * kind, low)
        _write_pulse(row, _DOUBLE + 4, kind, linear[two], q, two * kind, low)
        row[_DOUBLE + 8] = table.neyman[trace]
        row[_DOUBLE + 9] = linear[2] + batch.level[trace]
        word[2 * _DOUBLE + 20] = table.iterations[trace]
        word[2 * _DOUBLE + 21] = table.status[trace]
        points = batch.count[trace]
        more = kind + 1
        row[_P_DOUBLE] = probability(single.value[trace], table.value[trace], points, more)
        row[_P_SINGLE] = 1.0 - row[_P_DOUBLE]
