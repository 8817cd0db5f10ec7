"""Levenberg-Marquardt on the non-linear parameters alone (variable projection).

For any positions, steepnesses and decays the best amplitudes and offset follow exactly from a
linear system of at most three equations, so the search goes through three or six parameters
instead of five or nine, and through points that are all optimal in the others.

Sources: Golub and Pereyra (1973), variable projection; Kaufman (1975), its Jacobian without the
second term; Nielsen (1999), the damping.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.datarun.fit.basis import POINTS, TEMPLATE, TRACE, copy, fill, multiply, on_trial
from headrace.datarun.fit.compiled import kernel

CONVERGED, FAILED, OUT_OF_ITERATIONS, NO_PROGRESS = 0, 5, 11, 27
"""Outcomes of a fit, as the GNU Scientific Library numbers it."""

NOT_ATTEMPTED = 64
"""The status of a fit that was not tried; no number of that library."""

_TOLERANCE = 1e-4
_DECREMENT = 1e-9
_MIN_VARIANCE = 1e-6
_SINGULAR = 1e-13
_MIN_NORM = 1e-20
_INITIAL_DAMPING = 1e-3
_MAX_DAMPING = 1e12


@kernel
def factorise(matrix: Any, n: Any) -> Any:
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
def solve_factorised(factor: Any, n: Any, x: Any) -> None:
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


@kernel
def solve_linear(products: Any, kind: Any, pulses: Any, factor: Any, linear: Any) -> Any:
    """Return the best amplitudes and offset.

    Args:
        products: of the rows.
        kind: of the pulses.
        pulses: 1 or 2.
        factor: shape (3, 3), receives the factor of the normal equations.
        linear: shape (3,), receives the amplitudes, then the offset.

    Returns:
        The sum of squared residuals; infinite where the pulses cannot be distinguished, or
        one is hardly on the samples.
    """
    for i in range(pulses):
        row = i * (1 + kind)
        if products[row, row] < _MIN_NORM:
            return np.inf
        for j in range(i + 1):
            factor[i, j] = products[row, j * (1 + kind)]
        factor[pulses, i] = products[POINTS, row]
        linear[i] = products[TRACE, row]
    factor[pulses, pulses] = products[POINTS, POINTS]
    linear[pulses] = products[TRACE, POINTS]
    if not factorise(factor, pulses + 1):
        return np.inf
    solve_factorised(factor, pulses + 1, linear)
    total = products[TRACE, TRACE] - linear[pulses] * products[TRACE, POINTS]
    for i in range(pulses):
        total -= linear[i] * products[TRACE, i * (1 + kind)]
    return max(total, 0.0) if np.isfinite(total) else np.inf


@kernel
def _at(products: Any, a: Any, b: Any) -> Any:
    return products[a, b] if a >= b else products[b, a]


@kernel
def _projected_equations(
    products: Any,
    kind: Any,
    pulses: Any,
    factor: Any,
    linear: Any,
    half: Any,
    hessian: Any,
    gradient: Any,
) -> None:
    """Return the normal equations of the non-linear parameters, the linear ones following."""
    unknowns = pulses * kind
    for i in range(unknowns):
        row = i // kind * (1 + kind) + 1 + i % kind
        amplitude = linear[i // kind]
        slope = products[TRACE, row] - linear[pulses] * products[POINTS, row]
        for k in range(pulses):
            slope -= linear[k] * _at(products, row, k * (1 + kind))
        gradient[i] = amplitude * slope
        # What of this derivative the linear parameters can undo: L z = B' d.
        for k in range(pulses + 1):
            other = POINTS if k == pulses else k * (1 + kind)
            total = amplitude * _at(products, row, other)
            for m in range(k):
                total -= factor[k, m] * half[i, m]
            half[i, k] = total / factor[k, k]
        for j in range(i + 1):
            other = j // kind * (1 + kind) + 1 + j % kind
            total = amplitude * linear[j // kind] * products[row, other]
            for k in range(pulses + 1):
                total -= half[i, k] * half[j, k]
            hessian[i, j] = total


@kernel
def minimise(
    work: Any, kind: Any, pulses: Any, size: Any, count: Any, limit: Any, q: Any, linear: Any
) -> Any:
    """Fits one trace from one start.

    It stops as the reference does, when no parameter moved by more than 1e-4 + 1e-4 |x|, if a
    further step also promises less than 1e-9 of the noise's variance; the second condition costs
    one step or none, and makes the result independent of the start.

    Args:
        work: the workspace, with points and trace in its last rows and their products.
        kind: `LOGISTIC` or `TEMPLATE`.
        pulses: 1 or 2.
        size: samples of a row, padded.
        count: how many points are fitted.
        limit: most iterations.
        q: the start's non-linear parameters; receives the result's.
        linear: shape (3,), receives amplitudes and offset.

    Returns:
        Sum of squared residuals, iterations, and how it ended.
    """
    unknowns = pulses * kind
    used = pulses * (1 + kind)
    freedom = max(count - unknowns - pulses - 1, 1)
    factor = np.empty((3, 3))
    half = np.empty((6, 3))
    hessian = np.empty((6, 6))
    damped = np.empty((6, 6))
    gradient = np.empty(6)
    step = np.empty(6)
    trial = np.empty(6)
    proposed = np.empty(3)

    if not on_trial(q, kind, pulses, size):
        return np.inf, 0, FAILED
    fill(work, kind, pulses, size, q)
    multiply(work, used, size)
    best = solve_linear(work.products, kind, pulses, factor, linear)
    if not np.isfinite(best):
        return np.inf, 0, FAILED
    _projected_equations(work.products, kind, pulses, factor, linear, half, hessian, gradient)
    damping, growth = _INITIAL_DAMPING, 2.0
    for iteration in range(1, limit + 1):
        for i in range(unknowns):
            for j in range(i):
                damped[i, j] = hessian[i, j]
            damped[i, i] = hessian[i, i] * (1.0 + damping)
            step[i] = gradient[i]
        if not factorise(damped, unknowns):
            damping *= 10.0
            if damping > _MAX_DAMPING:
                return best, iteration, NO_PROGRESS
            continue
        solve_factorised(damped, unknowns, step)
        promised = 0.0
        small = True
        for i in range(unknowns):
            promised += step[i] * (gradient[i] + damping * hessian[i, i] * step[i])
            trial[i] = q[i] + step[i]
            small = small and abs(step[i]) < _TOLERANCE + _TOLERANCE * abs(trial[i])
        after = np.inf
        if on_trial(trial, kind, pulses, size):
            fill(work, kind, pulses, size, trial)
            multiply(work, used, size)
            after = solve_linear(work.products, kind, pulses, factor, proposed)
        settled = promised < _DECREMENT * max(best / freedom, _MIN_VARIANCE)
        if after < best:
            gain = (best - after) / promised
            damping *= max(1.0 / 3.0, 1.0 - (2.0 * gain - 1.0) ** 3)
            growth = 2.0
            best = after
            copy(trial, q, unknowns)
            copy(proposed, linear, pulses + 1)
            _projected_equations(
                work.products, kind, pulses, factor, linear, half, hessian, gradient
            )
        else:
            damping *= growth
            growth *= 2.0
        if settled and small:
            return best, iteration, CONVERGED
        if damping > _MAX_DAMPING:
            # A template's slope jumps at its samples, and a minimum may lie right there.
            ended = CONVERGED if kind == TEMPLATE and small else NO_PROGRESS
            return best, iteration, ended
    return best, limit, OUT_OF_ITERATIONS
