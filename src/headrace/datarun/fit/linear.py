"""Small systems of linear equations, one in each lane."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.datarun.fit.basis import POINTS, TRACE, product
from headrace.datarun.fit.compiled import kernel
from headrace.datarun.fit.lanes import (
    WIDTH,
    absolute,
    fma,
    larger,
    load,
    select,
    splat,
    sqrt,
    store,
)

MAX_UNKNOWNS = 6
"""Side of the matrices."""

_SINGULAR = 1e-13
_MIN_NORM = 1e-20


@kernel
def place(first: Any, i: Any, j: Any) -> Any:
    """Return where an element of a matrix stands, as an index of the flat array.

    Args:
        first: row of lanes where the matrix begins.
        i: line of the matrix.
        j: column.
    """
    return (first + i * MAX_UNKNOWNS + j) * WIDTH


@kernel
def factorise(state: Any, matrix: Any, n: Any) -> Any:
    """Compute Cholesky's factors of symmetric matrices in their own lower triangles.

    Args:
        state: array of lanes.
        matrix: its row where the matrix begins.
        n: lines of the matrix.

    Returns:
        In which lanes there is one.
    """
    good = splat(0.0) <= splat(0.0)
    for j in range(n):
        diagonal = load(state, place(matrix, j, j))
        rest = diagonal
        for k in range(j):
            x = load(state, place(matrix, j, k))
            rest = fma(-x, x, rest)
        good = good & (rest > _SINGULAR * diagonal)  # false also if it is not a number
        inverse = 1.0 / sqrt(rest)
        # What is divided by is stored as its inverse: one division instead of many.
        store(state, place(matrix, j, j), inverse)
        for i in range(j + 1, n):
            total = load(state, place(matrix, i, j))
            for k in range(j):
                x = load(state, place(matrix, i, k))
                total = fma(-x, load(state, place(matrix, j, k)), total)
            store(state, place(matrix, i, j), total * inverse)
    return good


@kernel
def solve_factorised(state: Any, factor: Any, n: Any, x: Any) -> None:
    """Solve with Cholesky's factors, in place.

    Args:
        state: array of lanes.
        factor: its row where the factor begins.
        n: lines of the matrix.
        x: row of the right side's first element, then of the solution's.
    """
    for i in range(n):
        total = load(state, (x + i) * WIDTH)
        for k in range(i):
            total = fma(-load(state, place(factor, i, k)), load(state, (x + k) * WIDTH), total)
        store(state, (x + i) * WIDTH, total * load(state, place(factor, i, i)))
    for i in range(n - 1, -1, -1):
        total = load(state, (x + i) * WIDTH)
        for k in range(i + 1, n):
            total = fma(-load(state, place(factor, k, i)), load(state, (x + k) * WIDTH), total)
        store(state, (x + i) * WIDTH, total * load(state, place(factor, i, i)))


@kernel
def solve_linear(
    products: Any, kind: Any, pulses: Any, state: Any, factor: Any, linear: Any
) -> Any:
    """Return the best amplitudes and offsets.

    Args:
        products: of the rows.
        kind: of the pulses.
        pulses: 1 or 2.
        state: array of lanes.
        factor: its row where the factor of the normal equations goes.
        linear: its row where the amplitudes go, then the offset.

    Returns:
        The sums of squared residuals; infinite where the pulses cannot be distinguished, or one
        is hardly on the samples.
    """
    good = splat(0.0) <= splat(0.0)
    for i in range(pulses):
        row = i * (1 + kind)
        good = good & (load(products, product(row, row)) >= _MIN_NORM)
        for j in range(i + 1):
            both = load(products, product(row, j * (1 + kind)))
            store(state, place(factor, i, j), both)
        store(state, place(factor, pulses, i), load(products, product(POINTS, row)))
        store(state, (linear + i) * WIDTH, load(products, product(TRACE, row)))
    store(state, place(factor, pulses, pulses), load(products, product(POINTS, POINTS)))
    level = load(products, product(TRACE, POINTS))
    store(state, (linear + pulses) * WIDTH, level)
    good = good & factorise(state, factor, pulses + 1)
    solve_factorised(state, factor, pulses + 1, linear)
    total = load(products, product(TRACE, TRACE))
    total = fma(-load(state, (linear + pulses) * WIDTH), level, total)
    for i in range(pulses):
        moment = load(products, product(TRACE, i * (1 + kind)))
        total = fma(-load(state, (linear + i) * WIDTH), moment, total)
    good = good & (absolute(total) < np.inf)
    return select(good, larger(total, splat(0.0)), splat(np.inf))
