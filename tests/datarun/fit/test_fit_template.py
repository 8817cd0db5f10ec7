"""The template fit."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.datarun.fit import CONVERGED, Template, fit_traces
from tests.support.datarun.pulses import pulse

SAMPLES = 200
GRID = np.arange(SAMPLES, dtype=float)
SHAPE = Template(60.0, pulse(GRID, 1.0, 60.0, 0.4, 0.03))


def shifted(*pulses: tuple[float, float], noise: float = 3.0, seed: int = 5) -> np.ndarray:
    """A trace of the template at positions with amplitudes, over an offset of 250."""
    values = np.full(SAMPLES, 250.0)
    for position, amplitude in pulses:
        at = GRID - position + SHAPE.align
        values += amplitude * np.interp(at, GRID, SHAPE.samples)
    values += np.random.default_rng(seed).normal(0, noise, SAMPLES)
    return np.rint(values).astype(np.uint16)[None]


@pytest.mark.parametrize("position", [63.4, 25.0, 60.0, 121.75, 150.3])
def test_a_shift_is_recovered(position: float) -> None:
    fits = fit_traces(shifted((position, 900.0)), template=SHAPE, covariance=True)
    record = fits.records["single"][0]
    assert record["status"] == CONVERGED
    assert record["position"] == pytest.approx(position, abs=0.05)
    assert record["amplitude"] == pytest.approx(900, abs=5)
    assert record["offset"] == pytest.approx(250, abs=2)
    assert (record["steepness"], record["decay"]) == (0, 0)
    assert fits.records["p_single"][0] > 0.9
    assert fits.single_errors.shape == (1, 3)
    assert abs(record["position"] - position) < 5 * fits.single_errors[0, 0]


def test_two_shifts_are_recovered_in_order() -> None:
    record = fit_traces(shifted((110.3, 1500.0), (72.8, 600.0)), template=SHAPE).records[0]
    pulses = record["double"]["pulses"]
    assert pulses["position"] == pytest.approx([72.8, 110.3], abs=0.1)
    assert pulses["amplitude"] == pytest.approx([600, 1500], abs=15)
    assert record["p_double"] > 0.999


def test_saturated_samples_are_left_out_of_a_template_fit() -> None:
    cut = np.minimum(shifted((80.2, 2000.0)), 1200).astype(np.uint16)
    record = fit_traces(cut, template=SHAPE, saturation=1200).records["single"][0]
    assert record["position"] == pytest.approx(80.2, abs=0.05)
    assert record["amplitude"] == pytest.approx(2000, abs=10)
