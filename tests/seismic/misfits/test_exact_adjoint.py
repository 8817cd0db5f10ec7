"""Adjoint sources as derivatives with respect to the traces that the solver wrote."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import simpson

from headrace.seismic import (
    Measurement,
    ProcessingConfig,
    filter_pair,
    measure,
    parse_config,
    select_windows,
    transpose_filter,
)
from headrace.seismic.misfits.simpson import simpson_weights
from headrace.seismic.waveforms.reading import Samples
from tests.support.examples import examples

DT = 0.06


def config_of(kind: str = "waveform", **more: object) -> ProcessingConfig:
    return parse_config(
        {
            "period_band": [10.0, 100.0],
            "components": ["Y"],
            "adjoint_source": kind,
            "exact_adjoint": True,
            **more,
        }
    )


def change_of(synthetic: Samples, seed: int = 0) -> Samples:
    """A change of a trace that looks like nothing in particular."""
    walk = np.cumsum(np.random.default_rng(seed).standard_normal(len(synthetic)))
    return 0.01 * float(np.abs(synthetic).max()) * walk


@pytest.mark.parametrize("kind", ["waveform", "cc_traveltime_subsample"])
@pytest.mark.parametrize("zero_phase", [True, False])
@pytest.mark.parametrize("select", ["pyflex", "whole"])
def test_derivative_with_respect_to_the_raw_synthetic(
    raw_pair: tuple[Samples, Samples], kind: str, zero_phase: bool, select: str
) -> None:
    observed, synthetic = raw_pair
    config = config_of(kind, zero_phase=zero_phase, windows={"select": select})
    windows = select_windows(*filter_pair(observed, synthetic, DT, config), DT, config)
    weights = [0.7] * len(windows)

    def measured(trace: Samples) -> Measurement:
        return measure(*filter_pair(observed, trace, DT, config), windows, DT, config, weights)

    found = measured(synthetic)
    change = change_of(synthetic)
    step = 1e-3
    difference = measured(synthetic + step * change).misfit
    difference -= measured(synthetic - step * change).misfit
    predicted = DT * float(found.adjoint_source @ change)
    assert difference / (2 * step) == pytest.approx(predicted, rel=1e-6)


def test_first_order_travel_time_through_the_filter(raw_pair: tuple[Samples, Samples]) -> None:
    # What the usual formula gives is the derivative within 5 %, for a change as models make it.
    observed, synthetic = raw_pair
    config = config_of("cc_traveltime_subsample")
    usual = parse_config(
        {"period_band": [10.0, 100.0], "components": ["Y"], "adjoint_source": "cc_traveltime"}
    )
    pair = filter_pair(observed, synthetic, DT, config)
    windows = select_windows(*pair, DT, config)
    source = transpose_filter(measure(*pair, windows, DT, usual).adjoint_source, DT, usual)
    change = -np.gradient(synthetic, DT) + 0.02 * synthetic
    exact = measure(*pair, windows, DT, config).adjoint_source
    assert float(source @ change) == pytest.approx(float(exact @ change), rel=0.05)


@pytest.mark.parametrize("zero_phase", [True, False])
@given(npts=st.integers(200, 1200), corners=st.integers(1, 4), taper=st.floats(0.0, 0.5))
@examples(15)
def test_the_transpose_is_the_transpose(
    zero_phase: bool, npts: int, corners: int, taper: float
) -> None:
    config = config_of(corners=corners, zero_phase=zero_phase, taper=taper)
    chance = np.random.default_rng(npts)
    trace, other, source = chance.standard_normal((3, npts))
    _, filtered = filter_pair(other, trace, DT, config)
    carried = transpose_filter(source, DT, config)
    scale = float(np.linalg.norm(filtered) * np.linalg.norm(source))
    assert float(source @ filtered) == pytest.approx(float(carried @ trace), abs=1e-9 * scale)


def test_the_misfit_is_the_same_with_and_without(raw_pair: tuple[Samples, Samples]) -> None:
    # pyadjoint rounds the borders of a window down, here to the same samples.
    exact = config_of(windows={"select": "whole"})
    usual = parse_config(
        {
            "period_band": [10.0, 100.0],
            "components": ["Y"],
            "adjoint_source": "waveform",
            "windows": {"select": "whole"},
        }
    )
    pair = filter_pair(*raw_pair, DT, exact)
    windows = select_windows(*pair, DT, exact)
    ours, theirs = (measure(*pair, windows, DT, config) for config in (exact, usual))
    assert ours.misfit == pytest.approx(theirs.misfit, rel=1e-9)
    assert not np.allclose(ours.adjoint_source, theirs.adjoint_source)


@pytest.mark.parametrize("npts", [2, 3, 4, 5, 10, 101])
def test_the_rule_of_simpson_is_that_of_scipy(npts: int) -> None:
    values = np.random.default_rng(npts).standard_normal(npts)
    assert float(simpson_weights(npts) @ values) == pytest.approx(float(simpson(values, dx=1.0)))
