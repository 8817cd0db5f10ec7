"""Every adjoint source type beside finite differences of its misfit, along four directions."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from headrace.seismic import ProcessingConfig, Window, filter_pair, measure
from headrace.seismic.misfits import misfit_names
from headrace.seismic.misfits.cross_correlation import CorrelationErrors, correlation_errors
from headrace.seismic.waveforms.reading import Samples
from tests.support.repository import REPOSITORY
from tests.support.seismic.pyadjoint_peer import measure_with_pyadjoint

SCRIPT = REPOSITORY / "benchmarks" / "adjoint_derivatives.py"


def load_script() -> ModuleType:
    """The script that prints the table of the page."""
    spec = importlib.util.spec_from_file_location("adjoint_derivatives", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


script = load_script()


def tolerance_of(config: ProcessingConfig) -> float:
    """5 % where the misfit is rounded to samples, else 1 %."""
    return 0.05 if script.rounded(config) else 0.01


def check_slopes(traces: list[Any], config: ProcessingConfig) -> None:
    found = list(script.slopes(traces, config))
    counted = [one for one in found if not script.negligible(one, found)]
    # A travel time knows no amplitude; all else is seen by every type.
    assert len(counted) >= len(found) - 1
    for slope in counted:
        assert slope.ratio == pytest.approx(1.0, abs=tolerance_of(config))


def cases(slow: bool) -> list[Any]:
    """Types, their settings and whether through the filter; few of them where not slow."""
    quick = [
        {},
        {"measure_type": "am"},
        {"use_cc_error": False, "use_mt_error": True},
    ]
    return [
        pytest.param(kind, settings, exact, id="-".join([kind, *map(str, settings.values()), how]))
        for kind, choices in script.MEASURES.items()
        for settings in choices
        for exact, how in ((False, "usual"), (True, "exact"))
        if slow or settings in quick
    ]


def test_the_script_tries_every_type() -> None:
    assert set(script.MEASURES) == set(misfit_names())


@pytest.mark.parametrize(("kind", "settings", "exact"), cases(slow=False))
def test_two_stations_of_a_computed_event(
    kind: str, settings: dict[str, object], exact: bool, event: Path
) -> None:
    # Fewer frequencies than by default, for they are looked at one by one.
    shorter = {"lnpt": 13} if kind == "multitaper" else {}
    config = script.config_of(kind, exact, {**settings, **shorter})
    traces = script.read_traces(event, "Y", most=2, noise=script.noise_for(settings))
    check_slopes(traces, config)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "settings", "exact"), cases(slow=True))
@pytest.mark.parametrize("data", ["event", "reference_event"])
def test_all_stations(
    kind: str, settings: dict[str, object], exact: bool, data: str, request: pytest.FixtureRequest
) -> None:
    event = request.getfixturevalue(data)
    traces = script.read_traces(event, "Y", noise=script.noise_for(settings))
    check_slopes(traces, script.config_of(kind, exact, settings))


@pytest.fixture
def noisy(raw_pair: tuple[Samples, Samples]) -> tuple[Samples, Samples]:
    """A window of a pair so unlike each other that the errors are above the least."""
    observed, synthetic = raw_pair
    taper = np.hanning(1200)
    noise = np.convolve(np.random.default_rng(3).normal(size=1200), np.hanning(150), "same")
    data, model = (trace[1000:2200] * taper for trace in (observed, synthetic))
    return data + 0.3 * np.abs(data).max() * noise / np.abs(noise).max() * taper, model


@pytest.mark.parametrize("least", [0.0, 100.0])
@pytest.mark.parametrize("part", ["shift", "amplitude"])
def test_the_errors_derive_to_what_they_do(
    part: str, least: float, noisy: tuple[Samples, Samples]
) -> None:
    data, model = noisy

    def errors(trace: Samples) -> CorrelationErrors:
        return correlation_errors(data, trace, 0.06, least, least, integer_shift=True)

    change = np.gradient(model) + 0.1 * model
    step = 1e-4
    difference = getattr(errors(model + step * change), part)
    difference -= getattr(errors(model - step * change), part)
    derivative = getattr(errors(model), f"{part}_derivative")
    expected = difference / (2 * step)
    assert float(derivative @ change) == pytest.approx(expected, rel=1e-5, abs=1e-30)
    assert bool(expected) == (least == 0.0)


@pytest.mark.parametrize("kind", ["cc_traveltime", "multitaper"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"dt_sigma_min": 0.01},
        {"measure_type": "am", "dlna_sigma_min": 0.001},
        {"use_cc_error": False},
        {"use_cc_error": False, "measure_type": "am"},
    ],
)
def test_misfits_and_shifts_are_pyadjoints(
    kind: str, settings: dict[str, object], raw_pair: tuple[Samples, Samples]
) -> None:
    shorter = {"lnpt": 13} if kind == "multitaper" else {}
    config = script.config_of(kind, True, {**settings, **shorter})
    pair = filter_pair(*raw_pair, 0.06, config)
    windows = [Window(900, 2000, 0, 1.0, 0.0), Window(2400, 3500, 0, 1.0, 0.0)]
    ours, theirs = (how(*pair, windows, 0.06, config) for how in (measure, measure_with_pyadjoint))
    assert ours.misfit == theirs.misfit
    assert ours.windows == theirs.windows


def test_windows_that_overlap_have_the_sum_of_their_sources(
    raw_pair: tuple[Samples, Samples],
) -> None:
    # pyadjoint gives a sample in two windows the source of the last one alone.
    config = script.config_of("cc_traveltime", False, {"use_cc_error": False})
    pair = filter_pair(*raw_pair, 0.06, config)
    windows = [Window(900, 2000, 0, 1.0, 0.0), Window(1400, 2400, 0, 1.0, 0.0)]
    both = measure(*pair, windows, 0.06, config)
    each = [measure(*pair, [window], 0.06, config) for window in windows]
    assert both.misfit == pytest.approx(sum(one.misfit for one in each))
    np.testing.assert_allclose(
        both.adjoint_source, sum(one.adjoint_source for one in each), rtol=1e-12, atol=1e-18
    )
