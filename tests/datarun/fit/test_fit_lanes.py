"""Vectors of eight numbers in compiled functions."""

from __future__ import annotations

import numpy as np

from headrace.datarun.fit import lanes
from headrace.datarun.fit.compiled import kernel


@kernel
def exponentials(x: np.ndarray, out: np.ndarray) -> None:
    for i in range(0, x.shape[0], lanes.WIDTH):
        lanes.store(out, i, lanes.exp(lanes.load(x, i)))


@kernel
def larger_roots(x: np.ndarray, out: np.ndarray) -> int:
    """Roots where the number is above 2, its negative elsewhere; where it is, as bits."""
    a = lanes.load(x, 0)
    above = (a > 2.0) & ~(a >= 1e9)
    lanes.store(out, 0, lanes.select(above, lanes.sqrt(a), -a))
    return lanes.bits(above)


def test_exponentials_are_numpys_within_a_few_last_places() -> None:
    x = np.linspace(-700, 700, 80_000)
    found = np.zeros_like(x)
    exponentials(x, found)
    np.testing.assert_allclose(found, np.exp(x), rtol=1e-15)
    far = np.array([-np.inf, -1e6, -700.5, 700.5, 1e6, np.inf, 0.0, -0.0])
    found = np.zeros_like(far)
    exponentials(far, found)
    assert found.tolist() == [0.0, 0.0, 0.0, *[found[3]] * 3, 1.0, 1.0]
    assert found[3] == np.float64(np.exp(700.0)) or abs(found[3] / np.exp(700.0) - 1) < 1e-15


def test_each_lane_is_computed_by_itself() -> None:
    x = np.array([1.0, 4.0, -3.0, 9.0, np.nan, 2.0, 1e12, 16.0])
    found = np.zeros(8)
    assert larger_roots(x, found) == 0b10001010
    expected = [-1.0, 2.0, 3.0, 3.0, np.nan, -2.0, -1e12, 4.0]
    np.testing.assert_array_equal(found, expected)
