"""Adjoint sources against what they are: derivatives of the misfit."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

from headrace.seismic import (
    StationProblem,
    Window,
    filter_pair,
    measure,
    parse_config,
    read_seismogram,
    select_windows,
)
from headrace.seismic.config import ProcessingConfig
from headrace.seismic.misfits import misfit_names
from headrace.seismic.misfits.cross_correlation import subsample_shift
from headrace.seismic.misfits.types.exponentiated_phase import exponentiated_phase
from headrace.seismic.waveforms.reading import Samples, TraceFile
from tests.support.seismic.pyadjoint_peer import measure_with_pyadjoint


def config_of(kind: str, **windows: object) -> ProcessingConfig:
    return parse_config(
        {
            "period_band": [10.0, 100.0],
            "components": ["Y"],
            "adjoint_source": kind,
            "windows": windows,
        }
    )


@pytest.fixture
def pair(event: Path) -> tuple[Samples, Samples]:
    observed, synthetic = (
        read_seismogram(TraceFile(event / folder / "HR.S05.BXY.semd", "HR", "S05", "BXY"))
        for folder in ("obs", "syn")
    )
    return filter_pair(observed.data, synthetic.data, 0.06, config_of("waveform"))


@pytest.mark.parametrize("kind", misfit_names())
def test_every_type_measures_in_the_windows_alone(kind: str, pair: tuple[Samples, Samples]) -> None:
    config = config_of(kind)
    windows = select_windows(*pair, 0.06, config)
    assert windows
    found = measure(*pair, windows, 0.06, config)
    assert found.misfit > 0
    assert found.misfit == pytest.approx(sum(window.misfit for window in found.windows))
    inside = np.zeros(5000, dtype=bool)
    for window in windows:
        inside[window.first : window.last + 1] = True
    assert np.abs(found.adjoint_source).max() > 0
    assert not found.adjoint_source[~inside].any()


@pytest.mark.parametrize(
    ("kind", "settings", "tolerance"),
    [
        ("cc_traveltime_subsample", {}, 0.05),
        ("waveform", {}, 0.05),
        ("exponentiated_phase", {}, 0.05),
        ("exponentiated_phase", {"wtr_env": 0.5}, 0.05),
        ("exponentiated_phase", {"wtr_env": 0.05}, 0.05),
    ],
)
def test_adjoint_source_is_the_derivative_of_the_misfit(
    kind: str, settings: dict[str, float], tolerance: float, pair: tuple[Samples, Samples]
) -> None:
    observed, synthetic = pair
    config = dataclasses.replace(config_of(kind), measure=settings)
    windows = select_windows(observed, synthetic, 0.06, config)
    found = measure(observed, synthetic, windows, 0.06, config)
    # The change of a trace by a change of model: a small delay and a small gain.
    change = -np.gradient(synthetic, 0.06) + 0.02 * synthetic
    step = 1e-3
    plus, minus = (
        measure(observed, synthetic + sign * step * change, windows, 0.06, config).misfit
        for sign in (1, -1)
    )
    finite_difference = (plus - minus) / (2 * step)
    predicted = 0.06 * float(found.adjoint_source @ change)
    assert finite_difference / predicted == pytest.approx(1.0, abs=tolerance)


@pytest.mark.parametrize("water_level", [0.0, 0.05, 0.2, 0.5])
def test_exponentiated_phase_knows_that_its_water_level_moves(
    water_level: float, pair: tuple[Samples, Samples]
) -> None:
    observed, synthetic = (trace[1000:2000] * np.hanning(1000) for trace in pair)
    _, source = exponentiated_phase(observed, synthetic, 0.06, water_level)
    bump = synthetic * np.exp(-(((np.arange(1000) - np.abs(synthetic).argmax()) / 40.0) ** 2))
    later = np.gradient(synthetic, 0.06)
    scale = float(np.abs(0.06 * source @ later))
    for change in (synthetic, later, bump, np.roll(synthetic, 30)):
        step = 1e-5
        plus, minus = (
            exponentiated_phase(observed, synthetic + sign * step * change, 0.06, water_level)[0]
            for sign in (1, -1)
        )
        difference = (plus - minus) / (2 * step)
        assert 0.06 * float(source @ change) == pytest.approx(
            difference, rel=0.01, abs=1e-4 * scale
        )


@pytest.mark.parametrize("water_level", [0.2, 1e-6])
def test_exponentiated_phase_besidemeasure_with_pyadjoint(
    water_level: float, pair: tuple[Samples, Samples]
) -> None:
    # The misfit is pyadjoint's; so is the adjoint source where the water level, which its formula
    # leaves out, is next to nothing.
    observed, synthetic = pair
    settings = {"wtr_env": water_level, "taper_percentage": 0.3}
    config = dataclasses.replace(config_of("exponentiated_phase"), measure=settings)
    windows = select_windows(observed, synthetic, 0.06, config)
    ours = measure(observed, synthetic, windows, 0.06, config)
    theirs = measure_with_pyadjoint(observed, synthetic, windows, 0.06, config)
    assert ours.misfit == pytest.approx(theirs.misfit, rel=1e-6)
    if water_level < 0.001:
        largest = np.abs(theirs.adjoint_source).max()
        assert np.abs(ours.adjoint_source - theirs.adjoint_source).max() < 5e-3 * largest


def test_shift_is_measured_between_the_samples() -> None:
    times = np.arange(2000) * 0.06
    for true in (-13.37, 0.0, 0.25, 7.5):
        data, model = (
            np.exp(-(((times - 60 - delay) / 6) ** 2)) * np.cos((times - 60 - delay) / 3)
            for delay in (true * 0.06, 0.0)
        )
        assert subsample_shift(data, model) == pytest.approx(true, abs=1e-3)


def test_no_window_no_misfit(pair: tuple[Samples, Samples]) -> None:
    found = measure(*pair, (), 0.06, config_of("waveform"))
    assert found.misfit == 0.0
    assert not found.adjoint_source.any()


@pytest.mark.parametrize("kind", ["cc_traveltime_subsample", "cc_traveltime", "multitaper"])
@pytest.mark.parametrize("silent", ["observed", "synthetic"])
def test_a_constant_window_is_a_problem_not_a_number(
    kind: str, silent: str, pair: tuple[Samples, Samples]
) -> None:
    window = Window(first=1100, last=1900, shift=0, cc=1.0, dlna=0.0)
    observed, synthetic = (trace.copy() for trace in pair)
    (observed if silent == "observed" else synthetic)[1000:2000] = 0.0
    config = dataclasses.replace(config_of(kind), exact_adjoint=True)
    with pytest.raises(StationProblem, match=f"the {silent} is constant in samples 1100-1900"):
        measure(observed, synthetic, [window], 0.06, config)


def test_merged_windows_and_no_candidates(pair: tuple[Samples, Samples]) -> None:
    merge = config_of("waveform", resolution_strategy="merge")
    windows = select_windows(*pair, 0.06, merge)
    assert all(a.last < b.first for a, b in itertools.pairwise(windows))
    strict = config_of("waveform", resolution_strategy="merge", cc_acceptance_level=1.1)
    assert select_windows(*pair, 0.06, strict) == ()
    high = config_of("waveform", stalta_waterlevel=100.0)
    assert select_windows(*pair, 0.06, high) == ()


def test_filter_takes_out_what_is_not_in_the_band() -> None:
    config = config_of("waveform")
    times = np.arange(20000) * 0.06
    inside, outside = (np.sin(2 * np.pi * times / period) for period in (30.0, 1.5))
    kept, removed = filter_pair(inside, outside, 0.06, config)
    middle = slice(5000, 15000)
    assert np.abs(kept[middle]).max() == pytest.approx(1.0, abs=0.1)
    assert 20 * np.log10(np.abs(removed[middle]).max()) < -40
