"""Basis of a trial of the fit: rows of samples, and their products.

A model of one or two pulses is linear in its amplitudes and its offset. A workspace holds, for
the parameters on trial, one row of samples for the shape of each pulse and for each derivative
of that shape, and at last the points that are fitted (1 or 0) and the trace. Every quantity that
a step of the fit needs, chi-square included, is a combination of products of two rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headrace.datarun.fit.compiled import kernel, reduction_kernel

LOGISTIC, TEMPLATE = 3, 1
"""Kinds of pulses, by their number of non-linear parameters: position, steepness and decay of
the logistic pulse; position of a template."""

MAX_ROWS = 10
"""Two logistic pulses with three derivatives each, the points, the trace."""

POINTS, TRACE = MAX_ROWS - 2, MAX_ROWS - 1
"""The rows of the points that are fitted (1 or 0) and of the trace."""

GRID_POSITIONS = 64
"""Positions that are compared when a start is looked for on a grid."""

MAX_STEEPNESS = 20.0
"""Largest steepness and decay on trial, 1/sample: nothing between two samples is steeper.

A steepness is positive: with a negative one the pulse would fall before it decays."""

_BLOCK = 32
_SERIES = 3
_LARGEST_EXPONENT = 700.0
_LARGEST_GROWTH = 300.0


class Workspace(NamedTuple):
    """Memory for the fits of one trace after the other.

    Attributes:
        rows: samples, shape (MOST_ROWS, padded); past the fit's last point all rows are 0.
        trace: all samples of the fit's range, also those that are not fitted, shape (padded,).
        residual: trace less model where it is fitted, shape (padded,).
        rise: the logistic function of the pulse being computed, shape (padded,).
        powers: 1, r, r^2 ... r^31 of four exponentials, shape (4, 32).
        products: of any two rows, shape (MOST_ROWS, MOST_ROWS), lower triangle.
        bank: shapes at many positions, shape (SCANNED + 2, padded).
        crossed: their products, shape (SCANNED + 2, SCANNED + 2), lower triangle.
        template: the template's samples; empty without one.
        align: shape (1,): sample of the template that stands at a pulse's position.
    """

    rows: Any
    trace: Any
    residual: Any
    rise: Any
    powers: Any
    products: Any
    bank: Any
    crossed: Any
    template: Any
    align: Any


def workspace(samples: int, template: Any = None, align: float = 0.0) -> Workspace:
    """Make a workspace.

    Args:
        samples: of the longest stretch that will be fitted.
        template: samples of a template.
        align: its sample that stands at a pulse's position.

    Returns:
        The workspace.
    """
    padded = -(-max(samples, 1) // _BLOCK) * _BLOCK
    return Workspace(
        np.zeros((MAX_ROWS, padded)),
        np.zeros(padded),
        np.zeros(padded),
        np.zeros(padded),
        np.ones((_SERIES + 1, _BLOCK)),
        np.zeros((MAX_ROWS, MAX_ROWS)),
        np.zeros((GRID_POSITIONS + 2, padded)),
        np.zeros((GRID_POSITIONS + 2, GRID_POSITIONS + 2)),
        np.ascontiguousarray([] if template is None else template, np.float64),
        np.array([align], np.float64),
    )


@kernel
def copy(source: Any, target: Any, count: Any) -> None:
    """Copy the first numbers; a slice would take seconds longer to compile."""
    for i in range(count):
        target[i] = source[i]


@kernel
def padded_length(points: Any) -> Any:
    """Return how many samples of each row a stretch takes up."""
    return (points + _BLOCK - 1) // _BLOCK * _BLOCK


@kernel
def _powers(ratio: Any, row: Any) -> None:
    value = 1.0
    for j in range(_BLOCK):
        row[j] = value
        value *= ratio


@kernel
def _seed(rate: Any, distance: Any) -> Any:
    """exp(-rate * distance), finite however far from the pulse."""
    exponent = -rate * distance
    if exponent < -_LARGEST_EXPONENT:
        return 0.0
    return np.exp(min(exponent, _LARGEST_EXPONENT))


@reduction_kernel
def _logistic(work: Any, row: Any, size: Any, q: Any, at: Any) -> None:
    position, steepness, decay = q[at], q[at + 1], q[at + 2]
    rows, rise, powers = work.rows, work.rise, work.powers
    for k in range(_SERIES):
        _powers(np.exp(-steepness if k == 0 else steepness if k == 1 else -decay), powers[k])
    _powers(np.exp(steepness - decay), powers[3])
    for block in range(0, size, _BLOCK):
        if block + _BLOCK <= position:
            # Before the pulse both exponentials may be too large, but not their ratio.
            seed = _seed(-steepness, block - position)
            for j in range(_BLOCK):
                rise[block + j] = 1.0 / (1.0 + seed * powers[1, j])
            seed = _seed(decay - steepness, block - position)
            for j in range(_BLOCK):
                rows[row, block + j] = seed * powers[3, j] * rise[block + j]
            for j in range(_BLOCK):
                rise[block + j] = 1.0 - rise[block + j]
        else:
            seed = _seed(steepness, block - position)
            for j in range(_BLOCK):
                rise[block + j] = 1.0 / (1.0 + seed * powers[0, j])
            seed = _seed(decay, block - position)
            for j in range(_BLOCK):
                rows[row, block + j] = seed * powers[2, j] * rise[block + j]
    for i in range(size):
        rows[row, i] *= rows[POINTS, i]
    for i in range(size):
        rows[row + 1, i] = rows[row, i] * (decay - steepness * (1.0 - rise[i]))
    for i in range(size):
        rows[row + 3, i] = rows[row, i] * (position - i)
    for i in range(size):
        rows[row + 2, i] = rows[row + 3, i] * (rise[i] - 1.0)


@kernel
def _template(work: Any, row: Any, size: Any, q: Any, at: Any) -> None:
    rows, template = work.rows, work.template
    last = template.shape[0] - 1
    for i in range(size):
        place = i - q[at] + work.align[0]
        left = int(np.floor(place))
        if left < 0:
            value, slope = template[0], 0.0
        elif left >= last:
            value, slope = template[last], 0.0
        else:
            slope = template[left + 1] - template[left]
            value = template[left] + slope * (place - left)
        rows[row, i] = value * rows[POINTS, i]
        rows[row + 1, i] = -slope * rows[POINTS, i]


@kernel
def on_trial(q: Any, kind: Any, pulses: Any, size: Any) -> Any:
    """Return whether parameters can be computed with, and a pulse is not far off the samples."""
    for pulse in range(pulses):
        at = pulse * kind
        position = q[at]
        if not -size <= position <= 2 * size:  # also if it is not a number
            return False
        if kind == LOGISTIC:
            steepness, decay = q[at + 1], q[at + 2]
            if not (0.0 < steepness <= MAX_STEEPNESS and abs(decay) <= MAX_STEEPNESS):
                return False
            backwards = (decay - steepness) * position
            forwards = -decay * (size - position)
            if max(backwards, forwards) > _LARGEST_GROWTH:
                return False
    return True


@kernel
def fill(work: Any, kind: Any, pulses: Any, size: Any, q: Any) -> None:
    """Compute the rows of all pulses.

    Args:
        work: the workspace; its rows of points and trace are there already.
        kind: `LOGISTIC` or `TEMPLATE`.
        pulses: 1 or 2.
        size: samples of a row, padded.
        q: non-linear parameters, shape (pulses * kind,): position, steepness, decay of each.
    """
    for pulse in range(pulses):
        row = pulse * (1 + kind)
        if kind == LOGISTIC:
            _logistic(work, row, size, q, pulse * kind)
        else:
            _template(work, row, size, q, pulse * kind)


@reduction_kernel
def multiply(work: Any, used: Any, size: Any) -> None:
    """Fill the products of all rows of pulses with each other, the points and the trace.

    Args:
        work: the workspace.
        used: rows of pulses, the first ones.
        size: samples of a row, padded.
    """
    rows, products = work.rows, work.products
    for a in range(used):
        for b in range(a + 1):
            total = 0.0
            for i in range(size):
                total += rows[a, i] * rows[b, i]
            products[a, b] = total
        for b in range(POINTS, MAX_ROWS):
            total = 0.0
            for i in range(size):
                total += rows[a, i] * rows[b, i]
            products[b, a] = total
