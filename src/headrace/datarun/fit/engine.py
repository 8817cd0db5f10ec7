"""Both fits of one trace after the other, written straight into extension records."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.datarun.extension import COMPLETE
from headrace.datarun.fit.basis import LOGISTIC, copy, fill, multiply, padded_length
from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.guess import (
    grid_search,
    guess_edges,
    guess_pulse,
    guess_residual,
    guess_split,
    load_trace,
)
from headrace.datarun.fit.quality import (
    covariance,
    has_outlier,
    neyman,
    probability,
    subtract,
    whiteness,
)
from headrace.datarun.fit.solver import CONVERGED, FAILED, NOT_ATTEMPTED, minimise, solve_linear

SINGLE_ITERATIONS, DOUBLE_ITERATIONS = np.int64(50), np.int64(200)
"""Most iterations of the fits, as in the reference."""

SINGLE_ONLY, IF_NEEDED, ALWAYS = 0, 1, 2
"""Conditions for the double fit."""

# Plain integers would have every function compiled once for each value.
_ONE, _TWO = np.int64(1), np.int64(2)

_SINGLE, _DOUBLE = 0, 7
_P_SINGLE, _P_DOUBLE = 18, 19
_SIZE_WORD = 40

_MAX_STARTS = 6
_SUSPICIOUS, _PERHAPS_TWO = 1.8, 1.9
_MAX_STEEPNESS = 5.0
_IMPROVEMENT = 1.0 - 1e-9


@kernel
def _start_value(work: Any, kind: Any, size: Any, q: Any, factor: Any, linear: Any) -> Any:
    """Return the sum of squared residuals of two pulses at a start."""
    fill(work, kind, _TWO, size, q)
    multiply(work, 2 * (1 + kind), size)
    return solve_linear(work.products, kind, _TWO, factor, linear)


@kernel
def _is_implausible(kind: Any, q: Any, linear: Any) -> Any:
    """Return whether two pulses are such as no two real ones are.

    A start led to the wrong minimum.
    """
    odd = linear[0] <= 0.0 or linear[1] <= 0.0 or abs(q[0] - q[kind]) < 1.0
    if kind == LOGISTIC:
        odd = odd or min(q[2], q[5]) <= 0.0 or max(q[1], q[4]) > _MAX_STEEPNESS
    return odd


@kernel
def fit_single(
    work: Any, kind: Any, length: Any, size: Any, count: Any, q: Any, linear: Any
) -> Any:
    """Return the single fit, from a second start too where the first leads to what is no pulse.

    The reference's guess takes a pulse for a fast one that has not fallen when the trace ends.

    Args:
        work: the workspace.
        kind: of the pulses.
        length: samples of the fit's range.
        size: samples of a row, padded.
        count: points fitted.
        q: receives the non-linear parameters.
        linear: receives amplitude and offset.

    Returns:
        Sum of squared residuals, iterations of the best start, how it ended.
    """
    guess_pulse(work.trace, length, q)
    if kind != LOGISTIC:
        unused = np.zeros(6)
        grid_search(work, kind, length, size, q, q, unused)
    rise = q[0] - 0.5 * np.log(9.0) / q[1]
    steepness = q[1]
    best, iterations, status = minimise(work, kind, _ONE, size, count, SINGLE_ITERATIONS, q, linear)
    if kind == LOGISTIC and (
        status != CONVERGED or linear[0] <= 0.0 or q[2] <= 0.0 or q[1] <= q[2]
    ):
        other = np.array([rise, steepness, 2.0 / length])
        found = np.zeros(3)
        value, used, ended = minimise(
            work, kind, _ONE, size, count, SINGLE_ITERATIONS, other, found
        )
        if value < best * _IMPROVEMENT:
            best, iterations, status = value, used, ended
            copy(other, q, 3)
            copy(found, linear, 3)
    return best, iterations, status


@kernel
def fit_double(
    work: Any, kind: Any, length: Any, size: Any, count: Any, single: Any, q: Any, linear: Any
) -> Any:
    """Return the double fit from as many starts as the trace needs.

    The first start is the better one of two: the single fit and its largest residual, and the
    two steepest edges. Where its residuals are not noise, or its pulses are odd, the other one is
    tried too, then the best pairs of a grid and the single pulse split in two. At last, unless
    the trace looks like a single pulse, the result with its decays exchanged, which often is a
    second minimum close by.

    Args:
        work: the workspace; its residual is that of the single fit.
        kind: of the pulses.
        length: samples of the fit's range.
        size: samples of a row, padded.
        count: points fitted.
        single: non-linear parameters of the single fit.
        q: receives those of both pulses.
        linear: receives amplitudes and offset.

    Returns:
        Sum of squared residuals, iterations of the best start, how it ended.
    """
    starts = np.zeros((2, 6))
    start = np.zeros(6)
    shape = np.zeros(3)
    unused = np.zeros(3)
    found = np.zeros(3)
    factor = np.zeros((3, 3))
    best, iterations, status = np.inf, 0, FAILED
    before = whiteness(work, length)
    after = 0.0
    wrong = True
    first = 0
    guess_pulse(work.trace, length, shape)
    decay = shape[2]
    if kind == LOGISTIC:
        guess_residual(work.residual, length, single, starts[0])
        guess_edges(work.trace, length, decay, starts[1])
        values = (
            _start_value(work, kind, size, starts[0], factor, found),
            _start_value(work, kind, size, starts[1], factor, found),
        )
        first = 0 if values[0] <= values[1] else 1
    for attempt in range(_MAX_STARTS):
        if kind != LOGISTIC and attempt > 0:
            break
        if kind != LOGISTIC:
            start[0] = start[1] = -1.0
            grid_search(work, kind, length, size, shape, unused, start)
            if start[0] < 0.0:
                break
        elif attempt < 2:
            if attempt == 1 and after >= _SUSPICIOUS and not wrong:
                continue
            copy(starts[first if attempt == 0 else 1 - first], start, 6)
        elif attempt < 5:
            if after >= _SUSPICIOUS and not wrong:
                continue
            if attempt < 4:
                shape[1] = starts[1, 1] * (2.0 if attempt == 2 else 1.0)
                shape[2] = decay if attempt == 2 else 2.0 / length
                start[0] = start[3] = -1.0
                grid_search(work, kind, length, size, shape, unused, start)
                if start[0] < 0.0:
                    continue
            else:
                guess_split(single, start)
        else:
            if before > _PERHAPS_TWO or abs(q[0] - q[3]) < 1.0:
                break
            copy(q, start, 6)
            start[2], start[5] = q[5], q[2]
        value, used, ended = minimise(
            work, kind, _TWO, size, count, DOUBLE_ITERATIONS, start, found
        )
        if value < best * _IMPROVEMENT or attempt == 0:
            best, iterations, status = value, used, ended
            copy(start, q, 6)
            copy(found, linear, 3)
            after = 0.0
            wrong = before < _SUSPICIOUS and _is_implausible(kind, q, linear)
            if np.isfinite(best):
                subtract(work, kind, _TWO, length, size, q, linear)
                after = whiteness(work, length)
    return best, iterations, status


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
def fit_many(
    work: Any,
    kind: Any,
    traces: Any,
    starts: Any,
    chosen: Any,
    low: Any,
    high: Any,
    saturation: Any,
    when: Any,
    values: Any,
    words: Any,
    covariances: Any,
) -> None:
    """Fits traces one after the other.

    Args:
        work: a workspace for ranges of this length.
        kind: `LOGISTIC` or `TEMPLATE`.
        traces: all samples.
        starts: where each trace starts in there, one more than traces.
        chosen: numbers of the traces to fit.
        low: first sample of the range.
        high: last sample of it; shorter traces end it earlier.
        saturation: samples from this value on are left out.
        when: the double fit is made: `SINGLE_ONLY`, `IF_NEEDED` or `ALWAYS`.
        values: the extension records as float64, shape (traces, 21).
        words: the same memory as uint32, shape (traces, 42).
        covariances: shape (traces, 5, 5) and (traces, 9, 9), or empty.
    """
    q1, q2 = np.zeros(3), np.zeros(6)
    linear1, linear2 = np.zeros(3), np.zeros(3)
    fewest = kind + 3
    for number in range(chosen.shape[0]):
        k = chosen[number]
        row, word = values[k], words[k]
        for i in range(row.shape[0]):
            row[i] = 0.0
        word[_SIZE_WORD] = COMPLETE
        samples = starts[k + 1] - starts[k]
        length = min(high, samples - 1) - low + 1
        if samples == 0:
            continue  # as the reference has it: nothing but zeros
        word[2 * _SINGLE + 13] = FAILED
        word[2 * _DOUBLE + 21] = FAILED
        if length < 1:
            continue
        size = padded_length(length)
        count, level = load_trace(work, traces, starts[k] + low, length, saturation, size)
        if count < fewest:
            continue
        single, used, ended = fit_single(work, kind, length, size, count, q1, linear1)
        if not np.isfinite(single):
            continue
        subtract(work, kind, _ONE, length, size, q1, linear1)
        _write_pulse(row, _SINGLE, kind, linear1[0], q1, 0, low)
        row[_SINGLE + 4] = neyman(work, length, level)
        row[_SINGLE + 5] = linear1[1] + level
        word[2 * _SINGLE + 12] = used
        word[2 * _SINGLE + 13] = ended
        row[_P_SINGLE] = 1.0
        parameters = kind + 2
        variance = single / max(count - parameters, 1)

        looked_for = when == ALWAYS and count >= fewest + kind + 1
        if when == IF_NEEDED and count >= fewest + kind + 1:
            noise = 2.0 - 4.0 / np.sqrt(count)
            looked_for = whiteness(work, length) < noise or has_outlier(work, length, variance)
        if covariances[0].shape[0]:
            out = covariances[0][k]
            covariance(work, kind, _ONE, size, q1, linear1, variance, out)
            subtract(work, kind, _ONE, length, size, q1, linear1)
        if not looked_for:
            word[2 * _DOUBLE + 21] = NOT_ATTEMPTED
            continue
        double, used, ended = fit_double(work, kind, length, size, count, q1, q2, linear2)
        if not np.isfinite(double):
            continue
        if q2[0] > q2[kind]:
            for i in range(kind):
                q2[i], q2[kind + i] = q2[kind + i], q2[i]
            linear2[0], linear2[1] = linear2[1], linear2[0]
        subtract(work, kind, _TWO, length, size, q2, linear2)
        _write_pulse(row, _DOUBLE, kind, linear2[0], q2, 0, low)
        _write_pulse(row, _DOUBLE + 4, kind, linear2[1], q2, kind, low)
        row[_DOUBLE + 8] = neyman(work, length, level)
        row[_DOUBLE + 9] = linear2[2] + level
        word[2 * _DOUBLE + 20] = used
        word[2 * _DOUBLE + 21] = ended
        row[_P_DOUBLE] = probability(single, double, count, kind + 1)
        row[_P_SINGLE] = 1.0 - row[_P_DOUBLE]
        if covariances[1].shape[0]:
            variance = double / max(count - 2 * kind - 3, 1)
            covariance(work, kind, _TWO, size, q2, linear2, variance, covariances[1][k])
