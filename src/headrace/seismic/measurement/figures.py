"""Pictures of single traces: observed, synthetic, windows, adjoint source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from headrace._internal.figure_style import literal
from headrace.seismic.config import ProcessingConfig
from headrace.seismic.measurement.station import TraceResult

Item = TypeVar("Item")

_INK = "#22262e"
_OBSERVED = "#22262e"
_SYNTHETIC = "#d1495b"
_WINDOW = "#2e6f95"
_ADJOINT = "#2a7f62"
_QUIET = "#8b919c"


def choose_sample(items: Sequence[Item], number: int) -> list[Item]:
    """Choose items evenly spread over a list, the first and the last among them.

    Args:
        items: all.
        number: how many at most.

    Returns:
        The chosen ones in order.
    """
    if len(items) <= number:
        return list(items)
    places = np.linspace(0, len(items) - 1, number).round().astype(int)
    return [items[place] for place in dict.fromkeys(places.tolist())]


class TraceFigure:
    """One figure that is filled again for every trace, as making one costs most of the time.

    Args:
        event: name in the titles.
        config: period band and adjoint source type in the titles, and the resolution.
    """

    def __init__(self, event: str, config: ProcessingConfig) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._event = event
        self._config = config
        self._figure = Figure(figsize=(9.0, 4.6), dpi=config.figure_dpi, facecolor="white")
        FigureCanvasAgg(self._figure)
        self._waves = self._figure.add_axes((0.075, 0.40, 0.905, 0.47))
        self._source = self._figure.add_axes((0.075, 0.115, 0.905, 0.25), sharex=self._waves)
        self._title = self._figure.text(0.075, 0.945, "", size=12, weight="bold", color=_INK)
        self._detail = self._figure.text(0.98, 0.945, "", size=9, ha="right", color=_QUIET)
        waves, source = self._waves, self._source
        (self._synthetic,) = waves.plot([], [], color=_SYNTHETIC, lw=1.4, label="synthetic")
        (self._observed,) = waves.plot([], [], color=_OBSERVED, lw=1.4, label="observed")
        (self._adjoint,) = source.plot([], [], color=_ADJOINT, lw=1.3)
        waves.legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=2,
            frameon=False,
            fontsize=8.5,
            borderaxespad=0.0,
            handlelength=1.6,
            handles=[self._observed, self._synthetic],
        )
        waves.set_ylabel("displacement", size=9, color=_INK)
        source.set_ylabel("adjoint source", size=9, color=_INK)
        source.set_xlabel("time after origin (s)", size=9, color=_INK)
        for axes in (waves, source):
            axes.axhline(0.0, color="#d9dce1", lw=0.7, zorder=0)
            axes.spines[["top", "right"]].set_visible(False)
            axes.spines[["left", "bottom"]].set_color("#c3c7ce")
            axes.tick_params(labelsize=8, colors=_INK, length=3, color="#c3c7ce")
            axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
            axes.yaxis.get_offset_text().set_fontsize(8)
            axes.locator_params(axis="y", nbins=5)
        waves.tick_params(labelbottom=False)
        self._marks: list[Any] = []

    def draw(self, result: TraceResult, path: Path) -> None:
        """Draw one trace.

        Args:
            result: with its filtered pair and its measurement.
            path: the PNG file to write.
        """
        if result.filtered is None or result.measurement is None or result.axis is None:
            return
        axis, pair, source = result.axis, result.filtered, result.measurement.adjoint_source
        times = axis.start + axis.dt * np.arange(axis.npts)
        self._observed.set_data(times, pair.observed)
        self._synthetic.set_data(times, pair.synthetic)
        self._adjoint.set_data(times, source)
        for mark in self._marks:
            mark.remove()
        self._marks.clear()
        self._waves.set_xlim(times[0], times[-1])
        top = 1.25 * max(
            float(np.nanmax(np.abs(pair.observed))), float(np.nanmax(np.abs(pair.synthetic)))
        )
        self._waves.set_ylim(-top, top)
        largest = 1.15 * float(np.abs(source).max()) or 1.0
        self._source.set_ylim(-largest, largest)
        self._mark_windows(result, times, top)
        self._title.set_text(literal(f"{self._event}   {result.name}", 60))
        low, high = self._config.period_band
        misfit = f"misfit {result.measurement.misfit:.4g}" if result.windows else "no window"
        self._detail.set_text(
            f"{misfit}   ·   {self._config.adjoint_source}   ·   {low:g}-{high:g} s"
        )
        self._figure.savefig(
            path, format="png", metadata={"Software": None}, pil_kwargs={"compress_level": 3}
        )

    def _mark_windows(self, result: TraceResult, times: Any, top: float) -> None:
        if result.axis is None or result.measurement is None:
            return
        measures = result.measurement.windows
        for window, measured in zip(result.windows, measures, strict=True):
            first, last = times[window.first], times[window.last]
            for axes in (self._waves, self._source):
                self._marks.append(
                    axes.axvspan(first, last, facecolor=_WINDOW, alpha=0.11, lw=0, zorder=0)
                )
                self._marks.extend(
                    axes.axvline(edge, color=_WINDOW, lw=0.7, alpha=0.6) for edge in (first, last)
                )
            shift = window.shift * result.axis.dt if measured.shift is None else measured.shift
            text = f"ΔT {shift:+.2f} s\ncc {window.cc:.2f}\nΔlnA {window.dlna:+.2f}"
            place = first + 0.006 * (times[-1] - times[0])
            self._marks.append(
                self._waves.text(
                    place, 0.96 * top, text, va="top", size=7.5, color=_WINDOW, linespacing=1.25
                )
            )
