"""Quality of a fit: residuals, chi-square, covariance, and which model is the likelier one."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.datarun.fit.basis import POINTS, TRACE, fill, multiply
from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.solver import factorise, solve_factorised

_ROUNDING = 1.0 / 12.0
_OUTLIER = 5.0


@kernel
def subtract(
    work: Any, kind: Any, pulses: Any, length: Any, size: Any, q: Any, linear: Any
) -> None:
    """Fill the workspace's residual: trace less model, 0 where nothing is fitted."""
    fill(work, kind, pulses, size, q)
    rows = work.rows
    for i in range(length):
        model = linear[pulses] * rows[POINTS, i]
        for pulse in range(pulses):
            model += linear[pulse] * rows[pulse * (1 + kind), i]
        work.residual[i] = rows[TRACE, i] - model


@kernel
def neyman(work: Any, length: Any, level: Any) -> Any:
    """Neyman's chi-square: squared residual over sample, where that is fitted and not zero.

    Args:
        work: the workspace, with its residual.
        length: samples of the fit's range.
        level: by how much the trace was moved.
    """
    total = 0.0
    for i in range(length):
        value = work.trace[i] + level
        if work.rows[POINTS, i] > 0.0 and value != 0.0:
            total += work.residual[i] ** 2 / value
    return total


@kernel
def whiteness(work: Any, length: Any) -> Any:
    """Von Neumann's ratio of the residuals: 2 for noise, less where the model misses something.

    The mean square of successive differences over the mean square (von Neumann 1941). Its
    standard deviation for white noise is 2 / sqrt(points).
    """
    differences = 0.0
    squares = 0.0
    pairs = 0
    points = 0
    for i in range(length):
        if work.rows[POINTS, i] > 0.0:
            points += 1
            squares += work.residual[i] ** 2
            if i > 0 and work.rows[POINTS, i - 1] > 0.0:
                differences += (work.residual[i] - work.residual[i - 1]) ** 2
                pairs += 1
    if pairs == 0 or squares <= 0.0:
        return 2.0
    return differences / pairs / (squares / points)


@kernel
def has_outlier(work: Any, length: Any, variance: Any) -> Any:
    """Return whether one residual is too large for noise of a variance."""
    limit = _OUTLIER**2 * max(variance, _ROUNDING)
    found = False
    for i in range(length):
        found = found or work.residual[i] ** 2 > limit
    return found


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
    work: Any, kind: Any, pulses: Any, size: Any, q: Any, linear: Any, variance: Any, out: Any
) -> None:
    """Return the covariance of all parameters, from the curvature at the minimum.

    Args:
        work: the workspace.
        kind: of the pulses.
        pulses: 1 or 2.
        size: samples of a row, padded.
        q: non-linear parameters.
        linear: amplitudes and offset.
        variance: of a sample.
        out: shape (pulses * (1 + kind) + 1,) squared, receives the covariance: of each pulse
            position, amplitude, steepness, decay; then offset. Not a number where the parameters
            cannot be distinguished.
    """
    fill(work, kind, pulses, size, q)
    used = pulses * (1 + kind)
    multiply(work, used, size)
    products = work.products
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
            a, b = max(row[i], row[j]), min(row[i], row[j])
            normal[i, j] = products[a, b] * factor[i] * factor[j]
        scale[i] = np.sqrt(normal[i, i])
    for i in range(unknowns):
        for j in range(i + 1):
            normal[i, j] /= scale[i] * scale[j]
    if not factorise(normal, unknowns):
        for i in range(unknowns):
            for j in range(unknowns):
                out[i, j] = np.nan
        return
    column = np.empty(unknowns)
    for j in range(unknowns):
        for i in range(unknowns):
            column[i] = 1.0 if i == j else 0.0
        solve_factorised(normal, unknowns, column)
        for i in range(unknowns):
            out[i, j] = variance * column[i] / (scale[i] * scale[j])
