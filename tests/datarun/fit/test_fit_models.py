"""The models as functions, and the maximum of a pulse."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.datarun.extension import fitted_extensions
from headrace.datarun.fit import Pulse, double_model, fitted_model, maximum, single_model
from tests.support.datarun.pulses import model

X = np.linspace(-3000, 3000, 601)


def test_models_are_sums_of_pulses() -> None:
    first, second = Pulse(50.0, 1000.0, 0.5, 0.02), Pulse(90.0, 300.0, 0.3, 0.01)
    near = np.arange(0.0, 250.0)
    one = model(near, np.array([50.0, 1000.0, 0.5, 0.02, 100.0]))
    np.testing.assert_allclose(single_model(near, first, 100.0), one, rtol=1e-12)
    two = one + model(near, np.array([90.0, 300.0, 0.3, 0.01, 0.0]))
    np.testing.assert_allclose(double_model(near, first, second, 100.0), two, rtol=1e-12)
    assert np.all(np.isfinite(double_model(X, first, second, 100.0)))


def test_curves_of_extensions_are_their_models() -> None:
    record = fitted_extensions(1)
    values = {"position": 5, "amplitude": 7, "steepness": 0.5, "decay": 0.1}
    for name, value in values.items():
        record["single"][name] = record["double"]["pulses"][name] = value
    record["single"]["offset"], record["double"]["offset"] = 3, 4
    pulse = Pulse(5.0, 7.0, 0.5, 0.1)
    x = np.arange(20.0)
    np.testing.assert_array_equal(fitted_model(x, record["single"][0]), single_model(x, pulse, 3))
    both = double_model(x, pulse, pulse, 4)
    np.testing.assert_array_equal(fitted_model(x, record["double"][0]), both)


def test_the_maximum_is_where_no_other_value_is_larger() -> None:
    after, height = maximum(1000.0, 0.5, 0.02)
    assert 50 + after == pytest.approx(56.356108, abs=1e-6)
    assert height == pytest.approx(845.401051, abs=1e-6)
    around = Pulse(0.0, 1000.0, 0.5, 0.02)(after + np.linspace(-1, 1, 2001))
    assert around.max() == pytest.approx(height)
    assert around.argmax() == 1000


def test_pulses_without_a_maximum_have_none() -> None:
    after, height = maximum([1.0, 1.0, 1.0], [0.1, 0.1, 0.1], [0.1, 0.2, -0.1])
    assert np.isnan(after).all()
    assert np.isnan(height).all()
