"""Basis of a trial of the fit, for eight traces at once: rows of samples, and their products.

A model of one or two pulses is linear in its amplitudes and its offset. For the parameters on
trial there is one row of samples for the shape of each pulse and for each derivative of that
shape, and besides the points that are fitted (1 or 0) and the trace. Every quantity that a step
of the fit needs, chi-square included, is a combination of products of two rows; the rows
themselves are kept for a block of samples only.

Every trace is in a lane of its own (`lanes`), and every sum goes through its samples in their
order: a trace has the same fit whatever stands in the other lanes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.lanes import (
    WIDTH,
    absolute,
    exp,
    fma,
    larger,
    load,
    select,
    splat,
    store,
)

LOGISTIC, TEMPLATE = 3, 1
"""Kinds of pulses, by their number of non-linear parameters: position, steepness and decay of
the logistic pulse; position of a template."""

MAX_ROWS = 10
"""Two logistic pulses with three derivatives each, the points, the trace."""

POINTS, TRACE = MAX_ROWS - 2, MAX_ROWS - 1
"""The rows of the points that are fitted (1 or 0) and of the trace."""

MAX_STEEPNESS = 20.0
"""Largest steepness and decay on trial, 1/sample: nothing between two samples is steeper.

A steepness is positive: with a negative one the pulse would fall before it decays."""

BLOCK = 32
"""Samples after which the geometric series begin anew."""

GRID_POSITIONS = 64
"""Positions that are compared when a start is looked for on a grid."""

_LARGEST_GROWTH = 300.0


@kernel
def product(a: Any, b: Any) -> Any:
    """Return where the product of two rows stands, as an index of the flat array."""
    return (max(a, b) * MAX_ROWS + min(a, b)) * WIDTH


@kernel
def padded_length(points: Any) -> Any:
    """Return how many samples of each row a stretch takes up."""
    return (points + BLOCK - 1) // BLOCK * BLOCK


@kernel
def on_trial(q: Any, at: Any, kind: Any, pulses: Any, size: Any) -> Any:
    """Return whether parameters can be computed with, and a pulse is not far off the samples.

    Args:
        q: non-linear parameters, an array of lanes.
        at: row of the first one.
        kind: of the pulses.
        pulses: 1 or 2.
        size: samples of a row, padded.
    """
    length = float(size)
    good = splat(0.0) <= splat(0.0)
    for pulse in range(pulses):
        row = (at + pulse * kind) * WIDTH
        position = load(q, row)
        good = good & (position >= -length) & (position <= 2.0 * length)
        if kind == LOGISTIC:
            steepness, decay = load(q, row + WIDTH), load(q, row + 2 * WIDTH)
            good = good & (steepness > 0.0) & (steepness <= MAX_STEEPNESS)
            good = good & (absolute(decay) <= MAX_STEEPNESS)
            backwards = (decay - steepness) * position
            forwards = decay * (position - length)
            good = good & (larger(backwards, forwards) <= _LARGEST_GROWTH)
    return good


@kernel
def _begin_series(work: Any, pulse: Any, q: Any, at: Any) -> None:
    """Compute the ratios of a pulse's geometric series: after the pulse, then before it."""
    steepness, decay = load(q, (at + 1) * WIDTH), load(q, (at + 2) * WIDTH)
    first = 4 * pulse * WIDTH
    store(work.series, first, exp(-steepness))
    store(work.series, first + WIDTH, exp(-decay))
    store(work.series, first + 2 * WIDTH, exp(steepness))
    store(work.series, first + 3 * WIDTH, exp(steepness - decay))


@kernel
def _logistic_block(work: Any, pulse: Any, begin: Any, end: Any, q: Any, at: Any) -> None:
    """Compute a pulse's rows in a block of samples, and add up their products."""
    position = load(q, at * WIDTH)
    steepness, decay = load(q, (at + 1) * WIDTH), load(q, (at + 2) * WIDTH)
    series, points, trace, rows, sums = (
        work.series,
        work.points,
        work.trace,
        work.rows,
        work.products,
    )
    # Before the pulse both exponentials may be too large, but not their ratio.
    before = position >= float(begin + BLOCK)
    after = float(begin) - position
    rise = exp(select(before, steepness, -steepness) * after)
    fall = exp(select(before, steepness - decay, -decay) * after)
    first = 4 * pulse * WIDTH
    rise_ratio = select(before, load(series, first + 2 * WIDTH), load(series, first))
    fall_ratio = select(before, load(series, first + 3 * WIDTH), load(series, first + WIDTH))
    a, b, c, d = 4 * pulse, 4 * pulse + 1, 4 * pulse + 2, 4 * pulse + 3
    aa, ba, bb = load(sums, product(a, a)), load(sums, product(b, a)), load(sums, product(b, b))
    ca, cb, cc = load(sums, product(c, a)), load(sums, product(c, b)), load(sums, product(c, c))
    da, db = load(sums, product(d, a)), load(sums, product(d, b))
    dc, dd = load(sums, product(d, c)), load(sums, product(d, d))
    pa, pb = load(sums, product(POINTS, a)), load(sums, product(POINTS, b))
    pc, pd = load(sums, product(POINTS, c)), load(sums, product(POINTS, d))
    ta, tb = load(sums, product(TRACE, a)), load(sums, product(TRACE, b))
    tc, td = load(sums, product(TRACE, c)), load(sums, product(TRACE, d))
    minus = -steepness
    row = first * BLOCK
    for i in range(begin, end):
        y = load(trace, i * WIDTH)
        share = 1.0 / (rise + 1.0)
        left = select(before, share, rise * share)  # 1 - 1 / (1 + exp(-k1 (x - x1)))
        shape = fall * share * load(points, i * WIDTH)
        by_position = shape * fma(minus, left, decay)
        by_decay = shape * (position - float(i))
        by_steepness = by_decay * -left
        store(rows, row, shape)
        store(rows, row + WIDTH, by_position)
        store(rows, row + 2 * WIDTH, by_steepness)
        store(rows, row + 3 * WIDTH, by_decay)
        row += 4 * WIDTH
        aa = fma(shape, shape, aa)
        ba = fma(by_position, shape, ba)
        bb = fma(by_position, by_position, bb)
        ca = fma(by_steepness, shape, ca)
        cb = fma(by_steepness, by_position, cb)
        cc = fma(by_steepness, by_steepness, cc)
        da = fma(by_decay, shape, da)
        db = fma(by_decay, by_position, db)
        dc = fma(by_decay, by_steepness, dc)
        dd = fma(by_decay, by_decay, dd)
        pa = pa + shape
        pb = pb + by_position
        pc = pc + by_steepness
        pd = pd + by_decay
        ta = fma(y, shape, ta)
        tb = fma(y, by_position, tb)
        tc = fma(y, by_steepness, tc)
        td = fma(y, by_decay, td)
        rise = rise * rise_ratio
        fall = fall * fall_ratio
    store(sums, product(a, a), aa)
    store(sums, product(b, a), ba)
    store(sums, product(b, b), bb)
    store(sums, product(c, a), ca)
    store(sums, product(c, b), cb)
    store(sums, product(c, c), cc)
    store(sums, product(d, a), da)
    store(sums, product(d, b), db)
    store(sums, product(d, c), dc)
    store(sums, product(d, d), dd)
    store(sums, product(POINTS, a), pa)
    store(sums, product(POINTS, b), pb)
    store(sums, product(POINTS, c), pc)
    store(sums, product(POINTS, d), pd)
    store(sums, product(TRACE, a), ta)
    store(sums, product(TRACE, b), tb)
    store(sums, product(TRACE, c), tc)
    store(sums, product(TRACE, d), td)


@kernel
def _cross_block(work: Any, count: Any) -> None:
    """Add up the products of the rows of two logistic pulses in a block of samples."""
    rows, sums = work.rows, work.products
    for half in range(0, 4, 2):
        a, b = 4 + half, 5 + half
        a0, a1, a2, a3 = (
            load(sums, product(a, 0)),
            load(sums, product(a, 1)),
            load(sums, product(a, 2)),
            load(sums, product(a, 3)),
        )
        b0, b1, b2, b3 = (
            load(sums, product(b, 0)),
            load(sums, product(b, 1)),
            load(sums, product(b, 2)),
            load(sums, product(b, 3)),
        )
        for j in range(count):
            one = 4 * j * WIDTH
            two = (4 * (BLOCK + j) + half) * WIDTH
            x, y = load(rows, two), load(rows, two + WIDTH)
            r0, r1 = load(rows, one), load(rows, one + WIDTH)
            r2, r3 = load(rows, one + 2 * WIDTH), load(rows, one + 3 * WIDTH)
            a0, a1, a2, a3 = fma(x, r0, a0), fma(x, r1, a1), fma(x, r2, a2), fma(x, r3, a3)
            b0, b1, b2, b3 = fma(y, r0, b0), fma(y, r1, b1), fma(y, r2, b2), fma(y, r3, b3)
        store(sums, product(a, 0), a0)
        store(sums, product(a, 1), a1)
        store(sums, product(a, 2), a2)
        store(sums, product(a, 3), a3)
        store(sums, product(b, 0), b0)
        store(sums, product(b, 1), b1)
        store(sums, product(b, 2), b2)
        store(sums, product(b, 3), b3)


@kernel
def _template_block(work: Any, pulse: Any, begin: Any, end: Any, q: Any, at: Any) -> None:
    """Compute a template's rows in a block of samples, and add up their products."""
    template, rows, sums = work.template, work.rows, work.products
    last = template.shape[0] - 1
    first = 4 * pulse * BLOCK
    for lane in range(WIDTH):
        place = min(max(work.align[0] - q[at, lane], -1e9), 1e9)
        left = int(np.floor(place))
        part = place - left
        for i in range(begin, end):
            here = template[min(max(left + i, 0), last)]
            slope = template[min(max(left + i + 1, 0), last)] - here
            row = first + 4 * (i - begin)
            rows[row, lane] = here + slope * part
            rows[row + 1, lane] = -slope
    a, b = 2 * pulse, 2 * pulse + 1
    aa, ba, bb = load(sums, product(a, a)), load(sums, product(b, a)), load(sums, product(b, b))
    pa, pb = load(sums, product(POINTS, a)), load(sums, product(POINTS, b))
    ta, tb = load(sums, product(TRACE, a)), load(sums, product(TRACE, b))
    for i in range(begin, end):
        row = (first + 4 * (i - begin)) * WIDTH
        fitted, y = load(work.points, i * WIDTH), load(work.trace, i * WIDTH)
        shape, slope = load(rows, row) * fitted, load(rows, row + WIDTH) * fitted
        store(rows, row, shape)
        store(rows, row + WIDTH, slope)
        aa, ba, bb = fma(shape, shape, aa), fma(slope, shape, ba), fma(slope, slope, bb)
        pa, pb = pa + shape, pb + slope
        ta, tb = fma(y, shape, ta), fma(y, slope, tb)
    store(sums, product(a, a), aa)
    store(sums, product(b, a), ba)
    store(sums, product(b, b), bb)
    store(sums, product(POINTS, a), pa)
    store(sums, product(POINTS, b), pb)
    store(sums, product(TRACE, a), ta)
    store(sums, product(TRACE, b), tb)


@kernel
def _cross_template_block(work: Any, count: Any) -> None:
    """Add up the products of the rows of two templates in a block of samples."""
    rows, sums = work.rows, work.products
    a0, a1 = load(sums, product(2, 0)), load(sums, product(2, 1))
    b0, b1 = load(sums, product(3, 0)), load(sums, product(3, 1))
    for j in range(count):
        one, two = 4 * j * WIDTH, 4 * (BLOCK + j) * WIDTH
        r0, r1 = load(rows, one), load(rows, one + WIDTH)
        x, y = load(rows, two), load(rows, two + WIDTH)
        a0, a1 = fma(x, r0, a0), fma(x, r1, a1)
        b0, b1 = fma(y, r0, b0), fma(y, r1, b1)
    store(sums, product(2, 0), a0)
    store(sums, product(2, 1), a1)
    store(sums, product(3, 0), b0)
    store(sums, product(3, 1), b1)


@kernel
def begin_products(work: Any, kind: Any, pulses: Any, q: Any, at: Any) -> None:
    """Set the sums of products to zero, and compute what all blocks of samples share.

    Args:
        work: the workspace.
        kind: `LOGISTIC` or `TEMPLATE`.
        pulses: 1 or 2.
        q: non-linear parameters, an array of lanes.
        at: row of the first one.
    """
    used = pulses * (1 + kind)
    nothing = splat(0.0)
    for a in range(used):
        for b in range(a + 1):
            store(work.products, product(a, b), nothing)
        store(work.products, product(POINTS, a), nothing)
        store(work.products, product(TRACE, a), nothing)
    if kind == LOGISTIC:
        for pulse in range(pulses):
            _begin_series(work, pulse, q, at + pulse * kind)


@kernel
def add_block(work: Any, kind: Any, pulses: Any, begin: Any, end: Any, q: Any, at: Any) -> None:
    """Compute all rows in a block of samples, and add up their products.

    Args:
        work: the workspace.
        kind: `LOGISTIC` or `TEMPLATE`.
        pulses: 1 or 2.
        begin: first sample of the block.
        end: sample after its last one.
        q: non-linear parameters, an array of lanes: position, steepness, decay of each pulse.
        at: row of the first one.
    """
    for pulse in range(pulses):
        if kind == LOGISTIC:
            _logistic_block(work, pulse, begin, end, q, at + pulse * kind)
        else:
            _template_block(work, pulse, begin, end, q, at + pulse * kind)
    if pulses == 2:
        if kind == LOGISTIC:
            _cross_block(work, end - begin)
        else:
            _cross_template_block(work, end - begin)


@kernel
def multiply(work: Any, kind: Any, pulses: Any, size: Any, q: Any, at: Any) -> None:
    """Fill the products of all rows of pulses with each other, the points and the trace.

    Args:
        work: the workspace.
        kind: `LOGISTIC` or `TEMPLATE`.
        pulses: 1 or 2.
        size: samples of a row, padded.
        q: non-linear parameters, an array of lanes.
        at: row of the first one.
    """
    begin_products(work, kind, pulses, q, at)
    for begin in range(0, size, BLOCK):
        add_block(work, kind, pulses, begin, begin + BLOCK, q, at)
