"""Measurements by cross-correlation: pyadjoint's and pyflex's own answers, to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyflex.window import Window as PyflexWindow

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import StationProblem
from headrace.seismic.misfits.base import Measurement
from headrace.seismic.misfits.correlation_measure import measure_correlation
from headrace.seismic.misfits.measure import measure
from headrace.seismic.misfits.types.waveform import measure_as_pyadjoint
from headrace.seismic.windows.pyflex_selector import ComparedWindow
from headrace.seismic.windows.selection import Window
from tests.support.seismic.pyadjoint_peer import measure_with_pyadjoint

CONFIG = ProcessingConfig(period_band=(10.0, 100.0), components=("Y",))
NPTS = 3000


def traces(seed: int, shift: int, noise: float, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Return smooth noise, and the same later, larger and with other noise."""
    rng = np.random.default_rng(seed)
    smooth = np.hanning(81)
    synthetic = np.convolve(rng.normal(size=NPTS + 400), smooth, "same")
    other = np.convolve(rng.normal(size=NPTS + 400), smooth, "same")
    observed = size * (np.roll(synthetic, shift) + noise * other)
    return observed[200:-200].copy(), synthetic[200:-200].copy()


def everything(found: Measurement) -> tuple[object, ...]:
    return found.misfit, found.adjoint_source.tobytes(), found.windows


measure_settings = st.fixed_dictionaries(
    {},
    optional={
        "measure_type": st.sampled_from(["dt", "am"]),
        "use_cc_error": st.booleans(),
        "dt_sigma_min": st.sampled_from([0.0, 0.013, 1.0, 40.0]),
        "dlna_sigma_min": st.sampled_from([0.0, 0.07, 0.5, 3.0]),
        "taper_type": st.sampled_from(["cos", "cos_p10", "hann", "hamming"]),
        "taper_percentage": st.sampled_from([0.0, 0.1, 0.3, 0.77, 1.0]),
    },
)
borders = st.lists(st.integers(0, NPTS - 1), min_size=2, max_size=6, unique=True).map(sorted)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 1000),
    shift=st.integers(-150, 150),
    noise=st.sampled_from([0.0, 0.1, 2.0]),
    size=st.sampled_from([1e-9, 0.3, 1.0, 1e7]),
    dt=st.sampled_from([0.06, 0.01, 0.13, 1.0, 1 / 3]),
    edges=borders,
    chosen=measure_settings,
)
def test_travel_times_have_the_bits_of_pyadjoint(
    seed: int,
    shift: int,
    noise: float,
    size: float,
    dt: float,
    edges: list[int],
    chosen: dict[str, object],
) -> None:
    observed, synthetic = traces(seed, shift, noise, size)
    pairs = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False) if b - a > 12]
    windows = [Window(first, last, 0, 0.9, 0.0) for first, last in pairs]
    config = replace(CONFIG, measure=chosen)
    expected = measure_with_pyadjoint(observed, synthetic, windows, dt, config)
    found = measure_correlation(observed, synthetic, windows, dt, chosen)
    assert everything(found) == everything(expected)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 1000),
    size=st.sampled_from([1e-9, 0.3, 1.0, 1e7]),
    dt=st.sampled_from([0.06, 0.01, 0.13, 1.0, 1 / 3]),
    edges=borders,
    chosen=measure_settings.map(
        lambda keys: {name: keys[name] for name in keys if name.startswith("taper")}
    ),
)
def test_waveforms_have_the_bits_of_pyadjoint(
    seed: int, size: float, dt: float, edges: list[int], chosen: dict[str, object]
) -> None:
    observed, synthetic = traces(seed, 7, 0.1, size)
    pairs = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False) if b > a]
    windows = [Window(first, last, 0, 0.9, 0.0) for first, last in pairs]
    config = replace(CONFIG, adjoint_source="waveform", measure=chosen)
    expected = measure_with_pyadjoint(observed, synthetic, windows, dt, config)
    found = measure_as_pyadjoint(observed, synthetic, windows, dt, chosen)
    assert everything(found) == everything(expected)


@pytest.mark.filterwarnings("error")
def test_waveforms_too_large_to_square_are_told_without_a_warning() -> None:
    observed, synthetic = traces(1, 7, 0.1, 1e200)
    config = replace(CONFIG, adjoint_source="waveform")
    with pytest.raises(StationProblem, match="is not finite"):
        measure(observed, synthetic, [Window(100, 2000, 0, 0.9, 0.0)], 0.06, config)


@pytest.mark.parametrize("length", [30, 511, 513, 1200, 2999])
@pytest.mark.parametrize("shift", [0, 7, -33, 149])
def test_windows_are_compared_as_pyflex_does(length: int, shift: int) -> None:
    observed, synthetic = traces(length, shift, 0.2, 1.5)
    border = {"left": 0, "right": length, "center": 1, "time_of_first_sample": 0, "dt": 0.06}
    about = {**border, "min_period": 10.0, "channel_id": "BXX"}
    plain, compared = PyflexWindow(**about), ComparedWindow(**about)
    for window in (plain, compared):
        window._calc_criteria(observed, synthetic)
    for name in ("cc_shift", "max_cc_value", "dlnA"):
        assert getattr(compared, name) == getattr(plain, name), name
