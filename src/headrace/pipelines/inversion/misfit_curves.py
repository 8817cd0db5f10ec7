"""Misfit of every iteration and trial as a drawing, in a number of elements that does not grow."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

_WIDTH: Final = 760.0
_HEIGHT: Final = 280.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 70.0, 20.0, 24.0, 34.0
_LOG_FROM: Final = 5.0  # ratio of misfits from which a logarithmic axis shows more
_TICKS: Final = 8
_MOST_TRIALS: Final = 2_000


@dataclass(frozen=True)
class _Axes:
    """Places of iterations and misfits in the drawing."""

    first: int
    last: int
    low: float
    high: float
    is_log: bool

    def x(self, iteration: float) -> float:
        span = max(1, self.last - self.first)
        return _LEFT + (iteration - self.first) / span * (_WIDTH - _LEFT - _RIGHT)

    def y(self, misfit: float) -> float:
        low, high, value = (
            (math.log10(one) if self.is_log else one) for one in (self.low, self.high, misfit)
        )
        share = (value - low) / (high - low) if high > low else 0.5
        return _TOP + (1.0 - min(1.0, max(0.0, share))) * (_HEIGHT - _TOP - _BOTTOM)


def draw_misfit_curves(evaluations: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Return the drawing; None where no misfit is known.

    Args:
        evaluations: as `headrace.seismic.inversion.status.misfit_evaluations` gives them. Trials
            are left out of the drawing where there are more than 2,000.
    """
    known = [one for one in evaluations if _is_finite(one["misfit"])]
    models = [one for one in known if not one["trial"]]
    trials = [one for one in known if one["trial"]]
    if not models:
        return None
    shown = trials if len(trials) <= _MOST_TRIALS else []
    axes = _axes(models, [*models, *shown])
    parts = [*_grid(axes), *_bands(axes, models)]
    accepted = [one for one in shown if one["accepted"]]
    others = [one for one in shown if not one["accepted"]]
    parts += [
        Markup('<path class="trial" d="{}"/>').format(_crosses(axes, others)),
        Markup('<path class="accepted" d="{}"/>').format(_squares(axes, accepted)),
        Markup('<path class="model" d="{}"/>').format(_squares(axes, models)),
    ]
    return Markup(
        '<svg class="plot" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, _words(models, trials), Markup("").join(parts))


def _axes(models: Sequence[Mapping[str, Any]], shown: Sequence[Mapping[str, Any]]) -> _Axes:
    values = [float(one["misfit"]) for one in shown]
    low, high = min(values), max(values)
    is_log = low > 0.0 and high > _LOG_FROM * low
    numbers = [int(one["iteration"]) for one in models]
    return _Axes(min(numbers), max(numbers) + 1, low if is_log else min(0.0, low), high, is_log)


def _grid(axes: _Axes) -> list[Markup]:
    lines = []
    for value in _misfit_ticks(axes):
        y = axes.y(value)
        lines.append(
            Markup(
                '<line class="axis" x1="{:g}" x2="{:g}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text x="{:g}" y="{:.1f}" text-anchor="end">{:.3g}</text>'
            ).format(_LEFT, _WIDTH - _RIGHT, y, y, _LEFT - 6, y + 4, value)
        )
    step = max(1, math.ceil((axes.last - axes.first) / _TICKS))
    for number in range(axes.first, axes.last + 1, step):
        lines.append(
            Markup('<text x="{:.1f}" y="{:g}" text-anchor="middle">{}</text>').format(
                axes.x(number), _HEIGHT - _BOTTOM + 18, number
            )
        )
    return lines


def _misfit_ticks(axes: _Axes) -> list[float]:
    if not axes.is_log:
        return [axes.low + (axes.high - axes.low) * part / 4 for part in range(5)]
    decades = range(math.floor(math.log10(axes.low)), math.ceil(math.log10(axes.high)) + 1)
    ticks = [10.0**one for one in decades if axes.low <= 10.0**one <= axes.high]
    step = max(1, math.ceil(len(ticks) / _TICKS))
    return ticks[::step] if len(ticks) > 1 else [axes.low, axes.high]


def _bands(axes: _Axes, models: Iterable[Mapping[str, Any]]) -> list[Markup]:
    """Return a line for each band, with its name where it begins."""
    drawn = []
    for number, (band, group) in enumerate(itertools.groupby(models, lambda one: one["band"])):
        rows = list(group)
        points = [(axes.x(one["iteration"]), axes.y(one["misfit"])) for one in rows]
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        x, y = points[0]
        drawn.append(
            Markup(
                '<polyline class="curve band{}" points="{}"/><text x="{:.1f}" y="{:.1f}">{}</text>'
            ).format(number % 2, text, x + 6, max(12.0, y - 8), str(band)[:24])
        )
    return drawn


def _squares(axes: _Axes, evaluations: Iterable[Mapping[str, Any]]) -> str:
    return "".join(
        f"M{axes.x(_place(one)) - 3:.1f},{axes.y(one['misfit']) - 3:.1f}h6v6h-6z"
        for one in evaluations
    )


def _crosses(axes: _Axes, evaluations: Iterable[Mapping[str, Any]]) -> str:
    return "".join(
        f"M{axes.x(_place(one)) - 3:.1f},{axes.y(one['misfit']) - 3:.1f}l6,6m0,-6l-6,6"
        for one in evaluations
    )


def _place(evaluation: Mapping[str, Any]) -> float:
    """Return where an evaluation is drawn: a trial between its iteration and the next one."""
    return float(evaluation["iteration"]) + (0.5 if evaluation["trial"] else 0.0)


def _words(models: Sequence[Mapping[str, Any]], trials: Sequence[Mapping[str, Any]]) -> str:
    first, last = models[0], models[-1]
    return (
        f"Misfit by iteration: {first['misfit']:.4g} in iteration {first['iteration']}, "
        f"{last['misfit']:.4g} in iteration {last['iteration']}; {len(trials)} trials. "
        "The table below has the numbers."
    )


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
