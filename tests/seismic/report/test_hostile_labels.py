"""Text from outside in pictures: drawn as it stands, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs an extra that draws")
pytest.importorskip("hist", reason="needs the extra `data-run`")

from matplotlib import cbook
from matplotlib.text import Text

from headrace._internal import figure_style
from headrace._internal.figure_style import legend_literal, literal
from headrace.seismic.measurement.figures import TraceFigure
from headrace.seismic.report.pictures import (
    Measures,
    WaveformFit,
    draw_costs,
    draw_fits,
    draw_histograms,
    draw_kernels,
    draw_misfits,
    draw_models,
    draw_updates,
)
from tests.support.seismic.picture_sections import PLACES, X, section

HOSTILE = {
    "dollars": "5 $ to 7 $",
    "tex": r"$\frac{1}{$ and $x^$",
    "escaped": r"a\$b$ c\\$",
    "signs": r"_under^{score} 100 % \alpha {}",
    "lines": "one\ntwo\tthree\x1b[31m",
    "chinese": "断层 Größe Жб \U0001f30b",
    "arabic": "صدع\u202eabc",
    "surrogate": "bad \udcff name",
    "long": "w" * 20_000,
    "empty": "",
    "blank": " ",
}


def fit(name: str) -> WaveformFit:
    wave = np.sin(X)
    return WaveformFit(name, X, wave, 0.9 * wave, ((1.0, 2.0),), (name,), wave)


def evaluations(band: str) -> list[dict[str, Any]]:
    about = {"iteration": 0, "band": band}
    return [
        {**about, "misfit": 2.0, "trial": False},
        {**about, "misfit": None, "trial": True, "accepted": False},
        {**about, "misfit": 1.0, "trial": True, "accepted": True},
    ]


DRAWN: dict[str, Callable[[Path, str], Path]] = {
    "models": lambda path, text: draw_models(
        path, {text: section(2.0, text, text), "b": section(3.0)}, PLACES, text
    ),
    "updates": lambda path, text: draw_updates(
        path, section(3.0, text, text), {text: section(2.0)}, PLACES, text
    ),
    "kernels": lambda path, text: draw_kernels(path, {text: section(X, text, text)}, None, text),
    "misfits": lambda path, text: draw_misfits(path, evaluations(text), text, [1.0, 0.5]),
    "costs": lambda path, text: draw_costs(path, {text: {"seconds": 3.0, "core_hours": 1.0}}, text),
    "histograms": lambda path, text: draw_histograms(
        path, {text: Measures(X, X**2), "now": Measures(X, X)}, text
    ),
    "fits": lambda path, text: draw_fits(path, [fit(text)], text),
}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """All figures that were written."""
    seen: list[Any] = []
    real = figure_style.new_figure

    def remembered(width: float, height: float) -> Any:
        seen.append(real(width, height))
        return seen[-1]

    for module in ("maps", "curves", "histograms", "fits"):
        monkeypatch.setattr(f"headrace.seismic.report.pictures.{module}.new_figure", remembered)
    return seen


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", DRAWN)
def test_a_picture_shows_it_literally(
    kind: str, text: str, tmp_path: Path, figures: list[Any]
) -> None:
    assert DRAWN[kind](tmp_path / "a.png", text).stat().st_size > 1000
    shown = [one.get_text() for figure in figures for one in figure.findobj(Text)]
    assert not [one for one in shown if "mathdefault" not in one and cbook.is_math_text(one)]
    if text.strip():
        begin = literal(text, 20)[:6]
        assert any(begin in one for one in shown)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_figure_of_a_trace(text: str) -> None:
    class Config:
        figure_dpi = 80

    figure = TraceFigure(text, Config())  # type: ignore[arg-type]
    figure._title.set_text(literal(text, 60))
    figure._figure.canvas.draw()


def test_what_a_font_has_not_is_written_out() -> None:
    assert literal("断a") == r"\u65ada"
    assert literal("\U0001f30b") == r"\U0001f30b"
    assert literal("Größe Жб µ²") == "Größe Жб µ²"
    assert literal("a\nb") == r"a\nb"
    assert literal("x" * 200) == "x" * 44 + "…" + "x" * 44
    assert literal("$") == r"\$"


def test_a_legend_keeps_what_begins_with_an_underscore() -> None:
    assert legend_literal("_a").endswith("_a")
    assert not legend_literal("_a").startswith("_")
    assert legend_literal("a") == "a"
