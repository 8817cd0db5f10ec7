"""Levenberg-Marquardt on the non-linear parameters alone (variable projection), in eight lanes.

For any positions, steepnesses and decays the best amplitudes and offset follow exactly from a
linear system of at most three equations, so the search goes through three or six parameters
instead of five or nine, and through points that are all optimal in the others.

Eight searches are a step farther at a time; where one has ended, the next job takes its lane.

Sources: Golub and Pereyra (1973), variable projection; Kaufman (1975), its Jacobian without the
second term; Nielsen (1999), the damping.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headrace.datarun.fit.basis import POINTS, TEMPLATE, TRACE, multiply, on_trial, product
from headrace.datarun.fit.batch import Batch, load_lane
from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.lanes import (
    WIDTH,
    absolute,
    bits,
    fma,
    larger,
    load,
    select,
    splat,
    store,
)
from headrace.datarun.fit.linear import factorise, place, solve_factorised, solve_linear

CONVERGED, FAILED, OUT_OF_ITERATIONS, NO_PROGRESS = 0, 5, 11, 27
"""Outcomes of a fit, as the GNU Scientific Library numbers it."""

NOT_ATTEMPTED = 64
"""The status of a fit that was not tried; no number of that library."""

_TOLERANCE = 1e-4
_DECREMENT = 1e-9
_MIN_VARIANCE = 1e-6
_INITIAL_DAMPING = 1e-3
_MAX_DAMPING = 1e12

# Rows of the state: vectors of six or three, matrices of 6 x 6, numbers.
_Q, _TRIAL, _GRADIENT, _STEP = 0, 6, 12, 18
_LINEAR, _PROPOSED = 24, 27
_FACTOR, _HALF, _HESSIAN, _DAMPED = 30, 48, 84, 120
_BEST, _DAMPING, _GROWTH, _FREEDOM, _ITERATION, _LIMIT, _STATUS = 156, 157, 158, 159, 160, 161, 162

_FRESH = -1.0


class Jobs(NamedTuple):
    """Searches for minima, each from one start.

    Attributes:
        count: how many, shape (1,).
        trace: number of the trace in its batch.
        limit: most iterations; 0 computes the start's sum of squares alone.
        q: the starts' non-linear parameters, then the results', shape (jobs, 6).
        linear: amplitudes and offset, shape (jobs, 3).
        value: sum of squared residuals.
        iterations: how many were made.
        status: how it ended.
    """

    count: Any
    trace: Any
    limit: Any
    q: Any
    linear: Any
    value: Any
    iterations: Any
    status: Any


def make_jobs(count: int) -> Jobs:
    """Make room for jobs.

    Args:
        count: how many at most.

    Returns:
        No job yet.
    """
    return Jobs(
        np.zeros(1, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros((count, 6)),
        np.zeros((count, 3)),
        np.zeros(count),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
    )


@kernel
def add_job(jobs: Jobs, trace: Any, limit: Any, q: Any) -> None:
    """Add a job.

    Args:
        jobs: the others.
        trace: number of the trace in its batch.
        limit: most iterations.
        q: shape (6,), the start's non-linear parameters.
    """
    number = jobs.count[0]
    jobs.trace[number], jobs.limit[number] = trace, limit
    for i in range(6):
        jobs.q[number, i] = q[i]
    jobs.count[0] = number + 1


@kernel
def _projected_equations(work: Any, kind: Any, pulses: Any, accepted: Any) -> None:
    """Fill the normal equations of the non-linear parameters, the linear ones following.

    Args:
        work: the workspace.
        kind: of the pulses.
        pulses: 1 or 2.
        accepted: lanes where they replace those that are there.
    """
    products, state = work.products, work.state
    for i in range(pulses * kind):
        row = i // kind * (1 + kind) + 1 + i % kind
        amplitude = load(state, (_PROPOSED + i // kind) * WIDTH)
        slope = load(products, product(TRACE, row))
        offset = load(state, (_PROPOSED + pulses) * WIDTH)
        slope = fma(-offset, load(products, product(POINTS, row)), slope)
        for k in range(pulses):
            other = load(state, (_PROPOSED + k) * WIDTH)
            slope = fma(-other, load(products, product(row, k * (1 + kind))), slope)
        at = (_GRADIENT + i) * WIDTH
        store(state, at, select(accepted, amplitude * slope, load(state, at)))
        # What of this derivative the linear parameters can undo: L z = B' d.
        for k in range(pulses + 1):
            column = POINTS if k == pulses else k * (1 + kind)
            total = amplitude * load(products, product(row, column))
            for m in range(k):
                z = load(state, place(_HALF, i, m))
                total = fma(-load(state, place(_FACTOR, k, m)), z, total)
            store(state, place(_HALF, i, k), total * load(state, place(_FACTOR, k, k)))
        for j in range(i + 1):
            column = j // kind * (1 + kind) + 1 + j % kind
            total = load(state, (_PROPOSED + j // kind) * WIDTH)
            total = amplitude * total * load(products, product(row, column))
            for k in range(pulses + 1):
                z = load(state, place(_HALF, i, k))
                total = fma(-z, load(state, place(_HALF, j, k)), total)
            at = place(_HESSIAN, i, j)
            store(state, at, select(accepted, total, load(state, at)))


@kernel
def _advance(work: Any, kind: Any, pulses: Any, size: Any) -> Any:
    """Make one iteration in every lane; a search that just began computes its start.

    Args:
        work: the workspace.
        kind: of the pulses.
        pulses: 1 or 2.
        size: samples of a row, padded.

    Returns:
        Which searches have ended, as bits.
    """
    state = work.state
    unknowns = pulses * kind
    nothing = splat(0.0)
    iteration = load(state, _ITERATION * WIDTH)
    damping, growth = load(state, _DAMPING * WIDTH), load(state, _GROWTH * WIDTH)
    best = load(state, _BEST * WIDTH)
    fresh = iteration < 0.0

    for i in range(unknowns):
        for j in range(i):
            store(state, place(_DAMPED, i, j), load(state, place(_HESSIAN, i, j)))
        diagonal = load(state, place(_HESSIAN, i, i))
        store(state, place(_DAMPED, i, i), fma(diagonal, damping, diagonal))
        store(state, (_STEP + i) * WIDTH, load(state, (_GRADIENT + i) * WIDTH))
    solvable = factorise(state, _DAMPED, unknowns) & ~fresh
    solve_factorised(state, _DAMPED, unknowns, _STEP)
    promised = nothing
    small = solvable
    for i in range(unknowns):
        step = select(solvable, load(state, (_STEP + i) * WIDTH), nothing)
        gradient = load(state, (_GRADIENT + i) * WIDTH)
        diagonal = load(state, place(_HESSIAN, i, i))
        promised = fma(step, fma(damping * diagonal, step, gradient), promised)
        trial = load(state, (_Q + i) * WIDTH) + step
        store(state, (_TRIAL + i) * WIDTH, trial)
        small = small & (
            absolute(step) < fma(splat(_TOLERANCE), absolute(trial), splat(_TOLERANCE))
        )
    possible = on_trial(state, _TRIAL, kind, pulses, size)
    for i in range(unknowns):
        at = (_TRIAL + i) * WIDTH
        store(state, at, select(possible, load(state, at), load(state, (_Q + i) * WIDTH)))
    multiply(work, kind, pulses, size, state, _TRIAL)
    after = solve_linear(work.products, kind, pulses, state, _FACTOR, _PROPOSED)
    after = select(possible & (solvable | fresh), after, splat(np.inf))

    freedom = load(state, _FREEDOM * WIDTH)
    settled = promised < _DECREMENT * larger(best / freedom, splat(_MIN_VARIANCE))
    better = after < best
    surplus = fma(splat(2.0), (best - after) / promised, splat(-1.0))
    shrunk = damping * larger(1.0 - surplus * surplus * surplus, splat(1.0 / 3.0))
    grown = select(solvable, damping * growth, damping * 10.0)
    growth = select(solvable, growth * 2.0, growth)
    damping = select(better, shrunk, grown)
    growth = select(better, splat(2.0), growth)
    damping = select(fresh, splat(_INITIAL_DAMPING), damping)
    growth = select(fresh, splat(2.0), growth)
    for i in range(unknowns):
        at = (_Q + i) * WIDTH
        store(state, at, select(better, load(state, (_TRIAL + i) * WIDTH), load(state, at)))
    for i in range(pulses + 1):
        at = (_LINEAR + i) * WIDTH
        store(state, at, select(better, load(state, (_PROPOSED + i) * WIDTH), load(state, at)))
    _projected_equations(work, kind, pulses, better)
    iteration = iteration + 1.0
    store(state, _BEST * WIDTH, select(better, after, best))
    store(state, _DAMPING * WIDTH, damping)
    store(state, _GROWTH * WIDTH, growth)
    store(state, _ITERATION * WIDTH, iteration)

    hopeless = fresh & ~better
    exhausted = iteration >= load(state, _LIMIT * WIDTH)
    stuck = (damping > _MAX_DAMPING) & ~fresh
    converged = settled & small
    if kind == TEMPLATE:
        # A template's slope jumps at its samples, and a minimum may lie right there.
        converged = converged | (stuck & small)
    status = select(stuck, splat(float(NO_PROGRESS)), splat(float(OUT_OF_ITERATIONS)))
    status = select(converged, splat(float(CONVERGED)), status)
    status = select(hopeless, splat(float(FAILED)), status)
    store(state, _STATUS * WIDTH, status)
    return bits(hopeless | converged | stuck | exhausted)


@kernel
def _begin(
    work: Any, kind: Any, pulses: Any, size: Any, batch: Batch, jobs: Jobs, number: Any, lane: Any
) -> None:
    """Put a job into a lane."""
    state, trace = work.state, jobs.trace[number]
    for i in range(6):
        state[_Q + i, lane] = jobs.q[number, i]
    for i in range(36):
        state[_HESSIAN + i, lane] = 0.0
    state[_BEST, lane] = np.inf
    state[_ITERATION, lane] = _FRESH
    state[_LIMIT, lane] = jobs.limit[number]
    state[_FREEDOM, lane] = max(batch.count[trace] - pulses * kind - pulses - 1, 1)


@kernel
def minimise(work: Any, kind: Any, pulses: Any, size: Any, batch: Batch, jobs: Jobs) -> None:
    """Do jobs: search a minimum from each start.

    A search stops as the reference does, when no parameter moved by more than 1e-4 + 1e-4 |x|, if
    a further step also promises less than 1e-9 of the noise's variance; the second condition
    costs one step or none, and makes the result independent of the start.

    Args:
        work: the workspace.
        kind: `LOGISTIC` or `TEMPLATE`.
        pulses: 1 or 2.
        size: samples of a row, padded; the same for all traces of the batch.
        batch: the traces.
        jobs: the starts; receives the results.
    """
    state = work.state
    job = np.full(WIDTH, -1, np.int64)
    loaded = np.full(WIDTH, -1, np.int64)
    started = 0
    active = 0
    while True:
        for lane in range(WIDTH):
            if job[lane] < 0 and started < jobs.count[0]:
                trace = jobs.trace[started]
                if loaded[lane] != trace:
                    load_lane(work, batch, trace, lane, size)
                    loaded[lane] = trace
                _begin(work, kind, pulses, size, batch, jobs, started, lane)
                job[lane] = started
                active += 1
                started += 1
        if active == 0:
            return
        ended = _advance(work, kind, pulses, size)
        for lane in range(WIDTH):
            if job[lane] >= 0 and (ended >> lane) & 1:
                number = job[lane]
                for i in range(6):
                    jobs.q[number, i] = state[_Q + i, lane]
                for i in range(3):
                    jobs.linear[number, i] = state[_LINEAR + i, lane]
                jobs.value[number] = state[_BEST, lane]
                jobs.iterations[number] = np.int64(state[_ITERATION, lane])
                jobs.status[number] = np.int64(state[_STATUS, lane])
                job[lane] = -1
                active -= 1
