"""Adjoint sources beside finite differences of their misfits.

For every adjoint source type and the settings that change what it measures, with and without
``exact_adjoint``, the synthetics of all stations of an event are changed along four directions, and
the change of the event's misfit is compared with what the adjoint sources predict. Windows stay.
Prints one line for each: the ratio of prediction to difference along each direction.

    python benchmarks/adjoint_derivatives.py [--event DIR] [--component Y] [--periods 10 100]
        [--type cc_traveltime ...]

Without ``--event`` (a directory with obs/ and syn/) it takes event 001 of the reference data in
``HEADRACE_TEST_DATA``, or else computes an event.
"""

from __future__ import annotations

import argparse
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyadjoint

from headrace.seismic import (
    ProcessingConfig,
    Window,
    demo_event,
    filter_pair,
    measure,
    parse_config,
    read_seismogram,
    select_windows,
)
from headrace.seismic.misfits.multitaper_derivative import measure_multitaper
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.waveforms.stations import find_stations

MEASURES: dict[str, tuple[dict[str, object], ...]] = {
    "waveform": ({},),
    "cc_traveltime_subsample": ({},),
    "exponentiated_phase": ({}, {"wtr_env": 0.05}),
    "cc_traveltime": (
        {},
        {"use_cc_error": False},
        {"dt_sigma_min": 0.01},
        {"measure_type": "am"},
        {"measure_type": "am", "dlna_sigma_min": 0.001},
    ),
    "multitaper": (
        {},
        {"dt_sigma_min": 0.01},
        {"use_cc_error": False},
        {"use_cc_error": False, "use_mt_error": True},
        {"measure_type": "am"},
        {"measure_type": "am", "dlna_sigma_min": 0.001},
        {"measure_type": "am", "use_cc_error": False, "use_mt_error": True},
    ),
}
"""Types and the settings of ``[measure]`` to try."""

NOISE = 0.3
"""Of the observed where the least error is lowered, so that errors are above it."""

DIRECTIONS = ("later", "larger", "dispersed", "otherwise")
SMALL_STEP = 1e-5
STEPS_OVER_SAMPLES = np.linspace(-0.4, 0.4, 80)
"""Where a misfit is rounded to samples, many changes that are large enough to be seen."""


@dataclass(frozen=True, eq=False)
class Trace:
    """One pair as it was read, and the directions in which its synthetic is changed."""

    observed: Samples
    synthetic: Samples
    dt: float
    directions: tuple[Samples, ...]


@dataclass(frozen=True)
class Slope:
    """Derivative of an event's misfit along a direction."""

    difference: float
    predicted: float

    @property
    def ratio(self) -> float:
        """Of the prediction to the difference."""
        return self.predicted / self.difference if self.difference else float("nan")


def read_traces(
    event: Path, component: str, most: int | None = None, noise: float = 0.0
) -> list[Trace]:
    """Read the pairs of a component of an event.

    Args:
        event: a directory with obs/ and syn/.
        component: component letter.
        most: how many stations; None: all.
        noise: of the observed, as a share of its largest sample.
    """
    stations, _ = find_stations(event / "obs", event / "syn", [component])
    traces = []
    for number, station in enumerate(stations[:most]):
        (pair,) = station.pairs
        if pair.observed is None or pair.synthetic is None:
            continue
        observed, synthetic = (read_seismogram(one) for one in (pair.observed, pair.synthetic))
        ways = directions(synthetic.data, synthetic.dt, seed=number)
        chance = np.random.default_rng(1000 + number)
        # Of the periods that are measured.
        rough = np.convolve(chance.normal(size=len(observed.data)), np.hanning(150), "same")
        rough *= noise * np.abs(observed.data).max() / np.abs(rough).max()
        traces.append(Trace(observed.data + rough, synthetic.data, synthetic.dt, ways))
    return traces


def directions(synthetic: Samples, dt: float, seed: int) -> tuple[Samples, ...]:
    """Change a trace in four ways.

    Returns:
        By a second later, by a tenth larger, dispersed, and by smooth random factors of its
        derivative and itself.
    """
    later = -np.gradient(synthetic, dt)
    spectrum = np.fft.rfft(synthetic)
    frequencies = np.fft.rfftfreq(len(synthetic), dt)
    # Long periods come earlier, short ones later; none by more than two seconds.
    delay = 2.0 * np.tanh((frequencies - 0.03) / 0.02)
    dispersed = np.fft.irfft(-2j * np.pi * frequencies * delay * spectrum, len(synthetic))
    chance = np.random.default_rng(seed)
    at = np.linspace(0.0, 1.0, len(synthetic))
    factor = 0.7 + sum(
        chance.normal() * np.cos(2.0 * np.pi * (k * at + chance.uniform())) for k in (1, 3, 7)
    )
    return later, 0.1 * synthetic, dispersed, factor * (later + 0.1 * synthetic)


def windows_of(traces: Sequence[Trace], config: ProcessingConfig) -> list[tuple[Window, ...]]:
    """Return the windows of each trace.

    Those in which multitaper falls back are the correlation's.
    """
    found = []
    for one in traces:
        pair = filter_pair(one.observed, one.synthetic, one.dt, config)
        windows = select_windows(*pair, one.dt, config)
        if config.adjoint_source == "multitaper":
            windows = tuple(
                window for window in windows if not _falls_back(*pair, window, one.dt, config)
            )
        found.append(windows)
    return found


def _falls_back(
    observed: Samples, synthetic: Samples, window: Window, dt: float, config: ProcessingConfig
) -> bool:
    settings = pyadjoint.get_config(
        "multitaper", config.min_period, config.max_period, **config.measure
    )
    (found,) = measure_multitaper(observed, synthetic, [window.seconds(dt)], dt, settings)
    return bool(found.statistics["type"] != "multitaper")


def misfit_of(
    traces: Sequence[Trace],
    windows: Sequence[tuple[Window, ...]],
    config: ProcessingConfig,
    direction: int,
    step: float,
) -> float:
    """Return the event's misfit after a change of all synthetics."""
    total = 0.0
    for one, inside in zip(traces, windows, strict=True):
        changed = one.synthetic + step * one.directions[direction]
        pair = filter_pair(one.observed, changed, one.dt, config)
        total += measure(*pair, inside, one.dt, config, misfit_only=True).misfit
    return total


def slopes(traces: Sequence[Trace], config: ProcessingConfig) -> Iterator[Slope]:
    """Yield the derivative along each direction, by differences and by the adjoint sources."""
    windows = windows_of(traces, config)
    predicted = np.zeros(len(DIRECTIONS))
    for one, inside in zip(traces, windows, strict=True):
        pair = filter_pair(one.observed, one.synthetic, one.dt, config)
        source = measure(*pair, inside, one.dt, config).adjoint_source
        for number, change in enumerate(one.directions):
            if not config.exact_adjoint:
                _, change = filter_pair(one.observed, change, one.dt, config)
            predicted[number] += one.dt * float(source @ change)
    steps = STEPS_OVER_SAMPLES if rounded(config) else np.array([-SMALL_STEP, SMALL_STEP])
    for number, expected in enumerate(predicted):
        found = [misfit_of(traces, windows, config, number, float(step)) for step in steps]
        curve = np.polynomial.Polynomial.fit(steps, found, 3 if rounded(config) else 1)
        yield Slope(float(curve.deriv()(0.0)), float(expected))


def rounded(config: ProcessingConfig) -> bool:
    """Return whether the misfit has a shift in whole samples in it, of itself or of its error."""
    times = config.measure.get("measure_type", "dt") == "dt"
    return config.adjoint_source == "cc_traveltime" and (
        times or "dlna_sigma_min" in config.measure
    )


def config_of(
    kind: str,
    exact: bool,
    settings: dict[str, object],
    periods: Sequence[float] = (10.0, 100.0),
    component: str = "Y",
) -> ProcessingConfig:
    """Return a configuration of the waveform program."""
    return parse_config(
        {
            "period_band": list(periods),
            "components": [component],
            "adjoint_source": kind,
            "exact_adjoint": exact,
            "measure": settings,
        }
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--event", type=Path)
    parser.add_argument("--component", default="Y")
    parser.add_argument("--stations", type=int, help="how many; all")
    parser.add_argument("--periods", type=float, nargs=2, default=(10.0, 100.0))
    parser.add_argument("--type", nargs="*", choices=MEASURES, default=list(MEASURES))
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        event = told.event or _some_event(Path(scratch))
        traces = {
            noise: read_traces(event, told.component, told.stations, noise)
            for noise in (0.0, NOISE)
        }
    print("| type | settings | exact | " + " | ".join(DIRECTIONS) + " |")
    print("|---|---|---|" + "---|" * len(DIRECTIONS))
    for kind in told.type:
        for settings in MEASURES[kind]:
            for exact in (False, True):
                config = config_of(kind, exact, settings, told.periods, told.component)
                found = list(slopes(traces[noise_for(settings)], config))
                cells = " | ".join(_cell(slope, found) for slope in found)
                settings_text = ", ".join(f"{key} = {value}" for key, value in settings.items())
                print(f"| {kind} | {settings_text} | {exact} | {cells} |", flush=True)


def noise_for(settings: Mapping[str, object]) -> float:
    """Tell what noise the observed is given for some settings."""
    return NOISE if {"dt_sigma_min", "dlna_sigma_min"} & set(settings) else 0.0


def negligible(slope: Slope, among: Sequence[Slope]) -> bool:
    """Tell whether neither counts beside the other directions."""
    largest = max(abs(one.difference) for one in among)
    return max(abs(slope.difference), abs(slope.predicted)) < 1e-4 * largest


def _cell(slope: Slope, among: Sequence[Slope]) -> str:
    return "0" if negligible(slope, among) else f"{slope.ratio:.4f} ({slope.difference:.3g})"


def _some_event(scratch: Path) -> Path:
    archive = Path(os.environ.get("HEADRACE_TEST_DATA", "")) / "seismograms" / "waveforms.tar.gz"
    if not archive.is_file():
        return demo_event(scratch, "quake", seed=1)
    with tarfile.open(archive) as tar:
        tar.extractall(scratch, filter="data")
    return scratch / "001"


if __name__ == "__main__":
    main()
