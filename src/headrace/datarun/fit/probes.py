"""Search for a further pulse in the residuals of single fits, in eight lanes.

A trace of one pulse leaves noise, and the best second pulse is what resembles that noise most. It
is looked for with a few short pulses at every sample: each would lower the sum of squares by
(r . s)^2 / (s . s), where r is the residual, and s the short pulse less what the single fit's own
parameters could do of it. The short pulses are the same for all traces.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.datarun.fit.basis import POINTS, product
from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.lanes import WIDTH, fma, load, select, splat, store
from headrace.datarun.fit.linear import factorise, place

PROBES = ((3.0, 1.0, 1), (8.0, 2.0, 1), (3.0, 0.3, 2), (1.0, 0.1, 2))
"""Steepness and decay of the short pulses, and at each how many samples they are tried."""

FOUND = 2
"""How many of the best places are kept."""

_BEFORE, _AFTER = 8, 72
_APART = 6
_NEGLIGIBLE = 1e-3
_INDEPENDENT = 1e-3
_MATRIX = 12
_TANGENTS = 5


def make_probes() -> tuple[Any, Any]:
    """Compute the short pulses.

    Returns:
        Their values at distances from -8 to 71 samples, shape (probes, 80); and their steps, first
        and last distance at which they are not negligible, shape (probes, 3).
    """
    distance = np.arange(-_BEFORE, _AFTER, dtype=float)
    values, limits = [], []
    for steepness, decay, step in PROBES:
        value = np.exp(-np.logaddexp(0.0, -steepness * distance) - decay * distance)
        used = np.flatnonzero(value > _NEGLIGIBLE * value.max())
        values.append(value)
        limits.append([step, used[0] - _BEFORE, used[-1] - _BEFORE])
    return np.array(values), np.array(limits, np.int64)


@kernel
def _factorise_tangents(work: Any) -> None:
    """Factorise the products of the single fit's shape, derivatives and points."""
    for i in range(_TANGENTS):
        for j in range(i + 1):
            a = POINTS if i == _TANGENTS - 1 else i
            b = POINTS if j == _TANGENTS - 1 else j
            store(work.state, place(_MATRIX, i, j), load(work.products, product(a, b)))
    factorise(work.state, _MATRIX, _TANGENTS)


@kernel
def find_residual_pulses(work: Any, size: Any) -> None:
    """Find the few places where a further pulse lowers the sum of squares most.

    Args:
        work: the workspace, with residual, tangents and products of single fits; receives in its
            gains' first rows, for each place, what is won, the sample and the probe's number.
        size: samples of a row, padded.
    """
    state, gains, tangents = work.state, work.gains, work.tangents
    _factorise_tangents(work)
    nothing = splat(0.0)
    for i in range(size):
        store(gains, 2 * i * WIDTH, nothing)
        store(gains, (2 * i + 1) * WIDTH, nothing)
    for probe in range(work.probes.shape[0]):
        step, begin, end = work.probe_limits[probe]
        for position in range(0, size, step):
            v0 = v1 = v2 = v3 = v4 = norm = matched = nothing
            for d in range(max(begin, -position), min(end + 1, size - position)):
                value = splat(work.probes[probe, d + _BEFORE])
                at = (position + d) * WIDTH
                fitted = value * load(work.points, at)
                matched = fma(value, load(work.residual, at), matched)
                v0 = fma(value, load(tangents, 4 * at), v0)
                v1 = fma(value, load(tangents, 4 * at + WIDTH), v1)
                v2 = fma(value, load(tangents, 4 * at + 2 * WIDTH), v2)
                v3 = fma(value, load(tangents, 4 * at + 3 * WIDTH), v3)
                v4 = v4 + fitted
                norm = fma(value, fitted, norm)
            store(state, 0, v0)
            store(state, WIDTH, v1)
            store(state, 2 * WIDTH, v2)
            store(state, 3 * WIDTH, v3)
            store(state, 4 * WIDTH, v4)
            rest = norm
            for i in range(_TANGENTS):
                total = load(state, i * WIDTH)
                for k in range(i):
                    total = fma(-load(state, place(_MATRIX, i, k)), load(state, k * WIDTH), total)
                total = total * load(state, place(_MATRIX, i, i))
                store(state, i * WIDTH, total)
                rest = fma(-total, total, rest)
            gain = select(rest > _INDEPENDENT * norm, matched * matched / rest, nothing)
            at = 2 * position * WIDTH
            better = gain > load(gains, at)
            store(gains, at, select(better, gain, load(gains, at)))
            which = select(better, splat(float(probe)), load(gains, at + WIDTH))
            store(gains, at + WIDTH, which)
    for lane in range(WIDTH):
        _keep_best(gains, lane, size, work.found)


@kernel
def _keep_best(gains: Any, lane: Any, size: Any, found: Any) -> None:
    """Keep a lane's best places that are some samples apart."""
    for k in range(FOUND):
        top = 0
        for i in range(size):
            if gains[2 * i, lane] > gains[2 * top, lane]:
                top = i
        found[k, 0, lane] = gains[2 * top, lane]
        found[k, 1, lane] = top
        found[k, 2, lane] = gains[2 * top + 1, lane]
        for i in range(max(0, top - _APART), min(size, top + _APART + 1)):
            gains[2 * i, lane] = -1.0
