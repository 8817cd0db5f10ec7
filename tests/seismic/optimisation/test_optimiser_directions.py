"""Directions from inner products, against the same formulas on whole vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.seismic.optimisation.directions import STEEPEST_DESCENT, Products, lbfgs, nlcg
from tests.support.examples import examples


def two_loops(g, s, y, precondition):
    """Nocedal & Wright (2006), algorithm 7.4, on whole vectors."""
    q, alpha = g.copy(), []
    for a, b in reversed(list(zip(s, y, strict=True))):
        alpha.append((a @ q) / (a @ b))
        q = q - alpha[-1] * b
    r = (s[-1] @ y[-1]) / (y[-1] @ (precondition @ y[-1])) * (precondition @ q)
    for a, b, factor in zip(s, y, reversed(alpha), strict=True):
        r = r + (factor - (b @ r) / (a @ b)) * a
    return -r


@examples(50)
@given(
    seed=st.integers(0, 2**32 - 1),
    pairs=st.integers(1, 6),
    dropped=st.integers(0, 3),
    preconditioned=st.booleans(),
)
def test_lbfgs_is_the_two_loop_recursion(seed, pairs, dropped, preconditioned) -> None:
    rng = np.random.default_rng(seed)
    n = 12
    root = rng.normal(size=(n, n))
    hessian = root @ root.T + 0.1 * np.eye(n)
    root = rng.normal(size=(n, n))
    p = root @ root.T + 0.1 * np.eye(n) if preconditioned else np.eye(n)
    s = [rng.normal(size=n) for _ in range(pairs + dropped)]
    y = [hessian @ step for step in s]
    products = Products()
    for last in range(len(s)):
        first = max(0, last + 1 - pairs)
        while products.count > last - first:
            products = products.without_oldest()
        kept = range(first, last + 1)
        products = products.with_pair(
            [s[last] @ y[j] for j in kept],
            [s[j] @ y[last] for j in kept],
            [y[last] @ p @ y[j] for j in kept],
            [y[j] @ p @ y[last] for j in kept],
        )
    s, y, g = s[-pairs:], y[-pairs:], rng.normal(size=n)
    made = lbfgs(products, [a @ g for a in s], [b @ p @ g for b in y])
    direction = made.gradient * (p @ g)
    direction += sum(factor * a for factor, a in zip(made.s, s, strict=True))
    direction += sum(factor * (p @ b) for factor, b in zip(made.py, y, strict=True))
    expected = two_loops(g, s, y, p)
    assert np.abs(direction - expected).max() < 1e-6 * np.abs(expected).max()


def test_without_pairs_it_is_steepest_descent() -> None:
    assert lbfgs(Products(), [], []) == STEEPEST_DESCENT


@pytest.mark.parametrize(
    ("formula", "products", "beta"),
    [
        ("polak_ribiere", (2.0, 0.2, 4.0), 0.45),
        ("fletcher_reeves", (2.0, 0.2, 4.0), 0.5),
        ("polak_ribiere", (2.0, 1.0, 4.0), 0.0),
        ("fletcher_reeves", (2.0, -1.0, 4.0), 0.0),
        ("fletcher_reeves", (2.0, 0.0, 0.0), 0.0),
    ],
)
def test_conjugate_directions(formula, products, beta) -> None:
    made = nlcg(formula, *products)
    assert made.gradient == -1.0
    assert made.previous == pytest.approx(beta)
