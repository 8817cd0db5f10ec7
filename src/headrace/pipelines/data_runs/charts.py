"""Pictures of data runs as SVG: strips of segments, rates, histograms, traces with fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from headrace.datarun.hit_index.traces import FittedTrace

MOST_MARKS: Final = 2_000
"""Marks that a strip may have; more segments share them."""

_BARS: Final = 128
_LEFT, _BOTTOM, _TOP = 8, 22, 6


@dataclass(frozen=True)
class Frame:
    """Size of a picture.

    Attributes:
        width: in units of the picture.
        height: likewise.
        has_labels: whether the ends of its axes are written.
    """

    width: int
    height: int
    has_labels: bool = True

    @property
    def plot_height(self) -> int:
        """Height of what is drawn, above the labels."""
        return self.height - _TOP - (_BOTTOM if self.has_labels else 2)

    @property
    def plot_width(self) -> int:
        """Width of what is drawn."""
        return self.width - 2 * _LEFT


SMALL: Final = Frame(220, 90, has_labels=False)
LARGE: Final = Frame(900, 340)
PLOT: Final = Frame(440, 190)


def segment_strip(kinds: Sequence[str], label: str) -> Markup:
    """Return the states of segments as a strip, in their order.

    Args:
        kinds: a class of the style sheet for each.
        label: what the strip says, in words.
    """
    step = -(-len(kinds) // MOST_MARKS) or 1
    order = ("good", "wait", "idle", "none", "busy", "bad")
    shown = [max(kinds[at : at + step], key=order.index) for at in range(0, len(kinds), step)]
    marks = Markup("").join(
        Markup('<rect class="{}" x="{}" y="0" width="{}" height="20"/>').format(kind, at, width)
        for at, width, kind in _stretches(shown)
    )
    gaps = Markup("")
    if len(shown) <= 200:
        path = "".join(f"M{at} 0V20" for at in range(1, len(shown)))
        gaps = Markup('<path class="grid" vector-effect="non-scaling-stroke" d="{}"/>').format(path)
    return Markup(
        '<svg class="bar" viewBox="0 0 {} 20" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}{}</svg>'
    ).format(max(len(shown), 1), label, marks, gaps)


def _stretches(kinds: Sequence[str]) -> list[tuple[int, int, str]]:
    """Join neighbours of the same kind: place, width, kind."""
    found: list[tuple[int, int, str]] = []
    for at, kind in enumerate(kinds):
        if found and found[-1][2] == kind:
            found[-1] = found[-1][0], found[-1][1] + 1, kind
        else:
            found.append((at, 1, kind))
    return found


def histogram(
    counts: NDArray[Any], edges: NDArray[Any], label: str
) -> tuple[Markup, list[tuple[str, str, int]]]:
    """Return a histogram as a picture, and the rows of its table: from, to, how many.

    Args:
        counts: one a bin.
        edges: of the bins, one more.
        label: of the axis.
    """
    import numpy as np

    counts, edges = _populated(counts, edges)
    step = -(-len(counts) // _BARS)
    starts = np.arange(0, len(counts), step)
    bars = np.add.reduceat(counts, starts)
    edges = np.append(edges[starts], edges[-1])
    rows = [
        (f"{low:.6g}", f"{high:.6g}", int(count))
        for low, high, count in zip(edges[:-1], edges[1:], bars, strict=True)
        if count
    ]
    largest = max(int(bars.max()), 1)
    width, height = PLOT.plot_width / len(bars), PLOT.plot_height
    path = f"M{_LEFT} {_TOP + height}"
    for at, count in enumerate(bars.tolist()):
        y, x = _TOP + height * (1 - count / largest), _LEFT + width * (at + 1)
        path += f"V{y:.1f}H{x:.1f}"
    path += f"V{_TOP + height}Z"
    entries = int(bars.sum())
    picture = _picture(
        PLOT,
        f"{label}: {entries:,} entries, most of them {largest:,} at {rows_peak(bars, edges)}",
        f'<path class="area" d="{path}"/>',
        (f"{edges[0]:.4g}", label, f"{edges[-1]:.4g}"),
        f"{largest:,}",
    )
    return picture, rows


def rows_peak(bars: NDArray[Any], edges: NDArray[Any]) -> str:
    """Return the highest bin of a histogram in words."""
    at = int(bars.argmax())
    return f"{edges[at]:.4g} to {edges[at + 1]:.4g}"


def _populated(counts: NDArray[Any], edges: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Leave out empty bins at both ends, but for a margin."""
    import numpy as np

    filled = np.flatnonzero(counts)
    if not len(filled):
        return counts, edges
    margin = max(int(filled[-1] - filled[0]) // 20, 1)
    first, last = max(filled[0] - margin, 0), min(filled[-1] + margin + 1, len(counts))
    return counts[first:last], edges[first : last + 1]


def rate_curve(points: Sequence[tuple[float, float]], label: str) -> Markup:
    """Return a curve of events a second against the time of the run.

    Args:
        points: time in s, and the rate there.
        label: what it shows.
    """
    last = max(points[-1][0], 1e-9)
    largest = max(max(rate for _, rate in points), 1e-9)
    steps = [
        f"{_LEFT + PLOT.plot_width * at / last:.1f} "
        f"{_TOP + PLOT.plot_height * (1 - rate / largest):.1f}"
        for at, rate in points
    ]
    return _picture(
        PLOT,
        f"{label}, up to {largest:,.0f} events/s within {last:,.0f} s",
        f'<path class="data" d="M{"L".join(steps)}"/>',
        ("0", "time of the run (s)", f"{last:,.0f}"),
        f"{largest:,.0f}/s",
    )


def trace(shown: FittedTrace, frame: Frame, label: str) -> Markup:
    """Return a trace with its fits: samples, one pulse (dashed), two pulses (solid).

    Small ones show the fit that counts alone.

    Args:
        shown: the trace.
        frame: size of the picture.
        label: what it is, in words.
    """
    import numpy as np

    samples = shown.samples.astype(np.float64)
    if not len(samples):
        return _picture(frame, f"{label}: no samples", "", ("", "no samples", ""), "")
    low, high = float(samples.min()), float(samples.max())
    scale = _Scale(frame, len(samples), low, high)
    most = frame.plot_width if frame.has_labels else 100
    inner = f'<path class="data" d="{scale.path(*_envelope(samples, most))}"/>'
    if shown.fit is not None:
        from headrace.datarun.fit.models import fitted_model

        x = np.linspace(0, len(samples) - 1, 200 if frame.has_labels else 56)
        wanted = ("single", "double") if frame.has_labels else (counted_fit(shown.fit),)
        for name in wanted:
            with np.errstate(all="ignore"):
                curve = fitted_model(x, shown.fit[name])
            inner += f'<path class="fit {name}" d="{scale.path(x, curve)}"/>'
    return _picture(
        frame, label, inner, ("0", "sample", str(len(samples) - 1)), f"{low:.0f} to {high:.0f} ADC"
    )


def counted_fit(fit: Any) -> str:
    """Return which fit of an extension counts: ``single`` or ``double``."""
    from headrace.datarun.extension import counts_as_two

    two = counts_as_two(
        fit["p_single"], fit["p_double"], fit["single"]["chi_square"], fit["double"]["chi_square"]
    )
    return "double" if bool(two) else "single"


@dataclass(frozen=True)
class _Scale:
    frame: Frame
    samples: int
    low: float
    high: float

    def path(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
        """Return the path of a curve; what is no number, or far outside, is left out."""
        import numpy as np

        span = max(self.high - self.low, 1.0)
        across = _LEFT + self.frame.plot_width * x / max(self.samples - 1, 1)
        up = _TOP + self.frame.plot_height * (1 - (y - self.low) / span)
        good = np.isfinite(up) & (up > -self.frame.height) & (up < 2 * self.frame.height)
        # Small pictures have whole numbers alone: there are many of them on a page.
        digits = 1 if self.frame.has_labels else 0
        points = np.round(np.stack([across, np.where(good, up, 0.0)], axis=1), digits)
        points = points if digits else points.astype(np.int64)
        ends = [0, *(np.flatnonzero(np.diff(good)) + 1).tolist(), len(good)]
        stretches = [(at, to) for at, to in pairwise(ends) if to > at and good[at]]
        return "".join(
            "M" + " ".join(map(str, points[at:to].reshape(-1).tolist())) for at, to in stretches
        )


def _envelope(
    samples: NDArray[np.float64], most: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return no more points than can be seen: of neighbours the smallest and the largest."""
    import numpy as np

    if len(samples) <= most:
        return np.arange(len(samples), dtype=np.float64), samples
    step = -(-2 * len(samples) // most)
    starts = np.arange(0, len(samples), step)
    pairs = np.stack(
        [np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)], axis=1
    )
    return np.repeat(starts.astype(np.float64), 2), pairs.reshape(-1)


def _picture(frame: Frame, label: str, inner: str, axis: tuple[str, str, str], top: str) -> Markup:
    """Return a picture.

    Args:
        frame: its size.
        label: what it shows, in words.
        inner: its curves, made of numbers alone.
        axis: text at the begin, the middle and the end of the axis.
        top: text at the upper end of the other axis.
    """
    base, right = _TOP + frame.plot_height, frame.width - _LEFT
    texts = ""
    if frame.has_labels:
        y, middle = frame.height - 5, frame.width // 2
        texts = (
            f'<text x="{_LEFT}" y="{y}">{escape(axis[0])}</text>'
            f'<text x="{middle}" y="{y}" text-anchor="middle">{escape(axis[1])}</text>'
            f'<text x="{right}" y="{y}" text-anchor="end">{escape(axis[2])}</text>'
            f'<text x="{_LEFT + 4}" y="{_TOP + 12}">{escape(top)}</text>'
        )
    return Markup(  # noqa: S704 - texts are escaped, all else is numbers
        f'<svg class="chart" viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-label="{escape(label)}"><path class="grid" d="M{_LEFT} {base}H{right}"/>'
        f"{inner}{texts}</svg>"
    )
