"""The band-pass of a pair: obspy's own bits, its filter designed once."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.signal
from obspy.signal.filter import bandpass

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.waveforms import processing

RNG = np.random.default_rng(4)


@pytest.mark.parametrize("zero_phase", [True, False])
@pytest.mark.parametrize("corners", [1, 2, 4])
@pytest.mark.parametrize(
    ("band", "dt"),
    [((10.0, 100.0), 0.06), ((2.0, 30.0), 0.13), ((0.12 * (1 + 1e-9), 5.0), 0.06)],
)
def test_a_pair_is_filtered_with_the_bits_of_obspy(
    band: tuple[float, float], dt: float, corners: int, zero_phase: bool
) -> None:
    config = ProcessingConfig(
        period_band=band, components=("Y",), corners=corners, zero_phase=zero_phase
    )
    pair = RNG.normal(size=(2, 1500))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a band that ends at the Nyquist frequency is a high-pass
        expected = bandpass(pair, 1 / band[1], 1 / band[0], 1 / dt, corners, zero_phase)
    assert np.array_equal(processing._bandpass(pair, dt, config), expected)
    one = processing._bandpass(pair[0, ::-1], dt, config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = bandpass(pair[0, ::-1], 1 / band[1], 1 / band[0], 1 / dt, corners, zero_phase)
    assert np.array_equal(one, expected)


def test_the_filter_of_all_stations_is_designed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    designs = []
    design = scipy.signal.iirfilter

    def counted(*args: object, **kwargs: object) -> np.ndarray:
        designs.append(args)
        return design(*args, **kwargs)

    monkeypatch.setattr(scipy.signal, "iirfilter", counted)
    processing._sections.cache_clear()
    config = ProcessingConfig(period_band=(10.0, 100.0), components=("Y",))
    for _ in range(3):
        processing.filter_pair(*RNG.normal(size=(2, 1500)), 0.06, config)
    assert len(designs) == 1
