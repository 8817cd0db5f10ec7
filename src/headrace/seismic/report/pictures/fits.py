"""Waveform fits: observed and synthetic seismograms, windows, and the adjoint source below."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headrace.seismic.config_file import read_config
from headrace.seismic.errors import StationProblem
from headrace.seismic.measurement.event_origin import find_origin
from headrace.seismic.measurement.figures import choose_sample
from headrace.seismic.report.pictures.errors import PictureError
from headrace.seismic.report.pictures.style import (
    ACCENT,
    FAINT,
    GREEN,
    INK,
    QUIET,
    WARM,
    heading,
    literal,
    new_figure,
    plain,
    save,
)
from headrace.seismic.waveforms.processing import align, filter_pair
from headrace.seismic.waveforms.reading import (
    Samples,
    Seismogram,
    TraceFile,
    find_stations,
    read_seismogram,
)
from headrace.seismic.windows.fixed import WINDOWS_FILE

_LABEL = 40  # characters in a window


@dataclass(frozen=True, eq=False)
class WaveformFit:
    """One trace as it is drawn.

    Attributes:
        name: ``NET.STA.CHA``, or what else its title is to say.
        times: s after the origin time, shape ``(npts,)``.
        observed: filtered samples.
        synthetic: filtered samples of the present model.
        windows: begin and end of each, s.
        labels: what is written into each window; none, or as many as windows.
        adjoint_source: samples; None leaves its panel out.
        start: filtered samples of the start model, if it is to be seen too.
    """

    name: str
    times: Samples
    observed: Samples
    synthetic: Samples
    windows: tuple[tuple[float, float], ...] = ()
    labels: tuple[str, ...] = ()
    adjoint_source: Samples | None = None
    start: Samples | None = None


def read_fits(
    results: Path,
    observed: Path,
    synthetic: Path,
    config: Path,
    number: int = 4,
    start: Path | None = None,
) -> list[WaveformFit]:
    """Read and filter some traces of an event that the waveform program has processed.

    Args:
        results: its output directory.
        observed: directory of the recorded seismograms.
        synthetic: directory of the computed seismograms.
        config: its configuration file.
        number: how many traces, evenly spread over those with windows.
        start: directory of the seismograms of the start model.

    Returns:
        The traces in the order of the tables; empty if none has a window.

    Raises:
        ConfigError: the configuration cannot be used.
        PictureError: the windows cannot be read.
        SeismicError: a directory of seismograms is missing.
    """
    settings = read_config(config)
    path = results / WINDOWS_FILE
    try:
        traces = json.loads(path.read_text(encoding="utf-8"))["traces"]
        windows = {name: trace["windows"] for name, trace in traces.items() if trace["windows"]}
    except OSError as error:
        raise PictureError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__} {error}".splitlines()[0]
        raise PictureError(f"{path}: not the windows of an event: {problem}") from None
    origin = find_origin(observed, synthetic)
    stations, _ = find_stations(
        observed,
        synthetic,
        settings.components,
        settings.observed_quantity,
        settings.synthetic_quantity,
    )
    pairs = [
        (f"{station.code}.{pair.channel}", pair)
        for station in stations
        for pair in station.pairs
        if f"{station.code}.{pair.channel}" in windows
    ]
    fits = []
    for name, pair in choose_sample(pairs, number):
        if pair.observed is None or pair.synthetic is None:
            continue
        try:
            model = read_seismogram(pair.synthetic, settings.origin_time, origin)
            span = (model.start, model.end)
            data = read_seismogram(pair.observed, settings.origin_time, origin, span)
            both = align(data, model, settings)
            traces = filter_pair(both.observed, both.synthetic, model.dt, settings)
        except StationProblem as problem:
            raise PictureError(f"{name}: {problem}") from None
        before = None
        if start is not None:
            first = _trace(start / pair.synthetic.path.name, pair.synthetic)
            if first is not None and len(first.data) == len(model.data):
                before = filter_pair(both.observed, first.data[both.part], model.dt, settings)[1]
        source = _trace(results / f"{name}.adj", pair.synthetic)
        fits.append(
            WaveformFit(
                name=name,
                times=model.start
                + model.dt * np.arange(both.part.start, both.part.stop, dtype=np.float64),
                observed=traces[0],
                synthetic=traces[1],
                windows=tuple((one["start_time"], one["end_time"]) for one in windows[name]),
                labels=tuple(_label(one) for one in windows[name]),
                adjoint_source=None if source is None else source.data[both.part],
                start=before,
            )
        )
    return fits


def _trace(path: Path, like: TraceFile) -> Seismogram | None:
    if not path.is_file():
        return None
    try:
        return read_seismogram(TraceFile(path, like.network, like.station, like.channel))
    except StationProblem as problem:
        raise PictureError(f"{path.parent}: {problem}") from None


def _label(window: dict[str, Any]) -> str:
    shift = window["measured_shift_s"]
    shift = window["shift_s"] if shift is None else shift
    return f"ΔT {shift:+.2g} s, cc {window['cc']:.2f}"


def draw_fits(path: Path, fits: Sequence[WaveformFit], title: str = "") -> Path:
    """Draw traces below each other, each with its adjoint source.

    Args:
        path: the PNG file.
        fits: the traces, one at least.
        title: of the picture.

    Returns:
        The path.

    Raises:
        PictureError: there is no trace, or the file cannot be written.
    """
    if not fits:
        raise PictureError(f"{path}: no trace to draw")
    ratios = [ratio for fit in fits for ratio in ((2.0, 1.0) if _has_source(fit) else (2.0,))]
    figure = new_figure(7.2, 0.9 + 0.62 * sum(ratios) + 0.3 * bool(title))
    heading(figure, title)
    rows = list(figure.subplots(len(ratios), squeeze=False, height_ratios=ratios)[:, 0])
    figure.get_layout_engine().set(h_pad=0.02, hspace=0.02)
    remaining = iter(rows)
    for number, fit in enumerate(fits):
        waves = next(remaining)
        _draw_waves(waves, fit)
        if number == 0:
            waves.legend(
                loc="lower right",
                bbox_to_anchor=(1.0, 1.0),
                ncols=3,
                frameon=False,
                fontsize=8,
                labelcolor=INK,
                borderaxespad=0.0,
            )
        if fit.adjoint_source is not None:
            _draw_source(next(remaining), fit, fit.adjoint_source)
    for axes in rows[:-1]:
        axes.tick_params(labelbottom=False)
    rows[-1].set_xlabel("time after origin (s)", size=9, color=INK)
    return save(figure, path)


def _has_source(fit: WaveformFit) -> bool:
    return fit.adjoint_source is not None


def _draw_waves(axes: Any, fit: WaveformFit) -> None:
    if fit.start is not None:
        axes.plot(fit.times, fit.start, color=QUIET, lw=0.9, ls=(0, (3, 2)), label="start")
    axes.plot(fit.times, fit.observed, color=INK, lw=1.2, label="observed")
    axes.plot(fit.times, fit.synthetic, color=WARM, lw=1.2, label="synthetic")
    traces = [fit.observed, fit.synthetic, *([] if fit.start is None else [fit.start])]
    top = 1.35 * max(float(np.abs(trace).max()) for trace in traces) or 1.0
    axes.set_ylim(-top, top)
    for (begin, end), label in zip(fit.windows, fit.labels or [""] * len(fit.windows), strict=True):
        axes.axvspan(begin, end, facecolor=ACCENT, alpha=0.13, lw=0, zorder=0)
        place = begin + 0.006 * (fit.times[-1] - fit.times[0])
        axes.text(place, 0.93 * top, literal(label, _LABEL), va="top", size=7.5, color=ACCENT)
    axes.set_title(literal(fit.name), loc="left", size=9, color=INK)
    _trim(axes, fit)


def _draw_source(axes: Any, fit: WaveformFit, source: Samples) -> None:
    axes.plot(fit.times, source, color=GREEN, lw=1.0)
    for begin, end in fit.windows:
        axes.axvspan(begin, end, facecolor=ACCENT, alpha=0.13, lw=0, zorder=0)
    largest = 1.15 * float(np.abs(source).max()) or 1.0
    axes.set_ylim(-largest, largest)
    axes.text(
        0.004, 0.9, "adjoint source", transform=axes.transAxes, va="top", size=7.5, color=GREEN
    )
    _trim(axes, fit)


def _trim(axes: Any, fit: WaveformFit) -> None:
    axes.axhline(0.0, color=FAINT, lw=0.6, zorder=0)
    axes.set_xlim(fit.times[0], fit.times[-1])
    axes.set_yticks([])
    plain(axes)
    axes.spines["left"].set_visible(False)
