"""Pictures of data runs: what is on them, that all of it can be read, and how many there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.text import Text

from headrace._internal import figure_style
from headrace.datarun.analysis import Batch, Segment
from headrace.datarun.analysis import figures as figures_module
from headrace.datarun.analysis.channels import ChannelAnalysis
from headrace.datarun.analysis.figures import draw

Figures = dict[str, Any]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Figures:
    """The figures that are written, by the names of their files."""
    kept: Figures = {}

    def keep(figure: Any, path: Path) -> Path:
        kept[path.name] = figure
        return figure_style.write_png(figure, path)

    monkeypatch.setattr(figures_module, "write_png", keep)
    return kept


def energies(count: int = 100, label: str = "energy (ADC units)") -> Any:
    axis = hist.axis.Regular(100, 0, 1000, name="energy", label=label)
    return hist.Hist(axis, storage=hist.storage.Double()).fill(np.linspace(-50, 900, count))


def plane() -> Any:
    made = hist.Hist.new.Reg(20, 0, 20, label="distance (samples)").Reg(20, 0, 3, label="ratio")
    return made.Double().fill([1.0, 2.0, 2.0], [1.0, 2.0, 2.0])


def texts(figure: Any) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]


def shown(figure: Any) -> list[str]:
    return [text.get_text() for text in texts(figure)]


def test_an_analysis_of_ones_own_has_its_histograms_on_the_overview(
    tmp_path: Path, figures: Figures
) -> None:
    drawn = draw({"gammas": energies(), "pairs": plane()}, tmp_path, "run-0007")
    assert [path.name for path in drawn] == ["overview.png", "histograms.png"]
    written = shown(figures["overview.png"])
    assert {"gammas", "pairs", "energy (ADC units)", "entries", "distance (samples)"} <= {*written}
    assert "94 entries, 6 outside" in written


@pytest.mark.parametrize("groups", [2, 30, 200])
def test_no_text_is_cut_off_and_every_picture_is_wide_enough(
    tmp_path: Path, figures: Figures, groups: int
) -> None:
    members = {
        f"c{k // 16}s02channel_with_a_long_name{k:03d}/{name}": made
        for k in range(groups)
        for name, made in (("energy", energies(100 + k)), ("pile_up", plane()))
    }
    drawn = draw(members, tmp_path, "run-0007", pages=2)
    assert len(drawn) == 3
    for path in drawn:
        assert imread(path).shape[1] >= 1200
    for figure in figures.values():
        renderer = figure.canvas.get_renderer()
        boxes = [axes.get_tightbbox(renderer) for axes in figure.axes]
        boxes += [text.get_window_extent(renderer) for text in figure.texts]
        for box in boxes:
            assert figure.bbox.padded(1).fully_containsx(box.x0), box
            assert figure.bbox.padded(1).fully_containsx(box.x1), box
            assert figure.bbox.padded(1).fully_containsy(box.y0), box
            assert figure.bbox.padded(1).fully_containsy(box.y1), box


def test_the_overview_tells_which_groups_have_pages(tmp_path: Path, figures: Figures) -> None:
    members = {f"c0s{k // 16:02d}ch{k % 16:02d}/energy": energies(50 + k) for k in range(100)}
    drawn = draw(members, tmp_path, "run-0007", pages=3)
    assert [path.stem for path in drawn] == ["overview", "c0s06ch01", "c0s06ch02", "c0s06ch03"]
    assert "pages: the 3 of 100 groups with most entries" in shown(figures["overview.png"])


def test_groups_are_in_order_of_their_numbers(tmp_path: Path) -> None:
    drawn = draw({f"c{k}/energy": energies() for k in (10, 2, 1)}, tmp_path, "run")
    assert [path.stem for path in drawn] == ["overview", "c1", "c2", "c10"]


def test_many_histograms_of_a_group_take_several_pages(tmp_path: Path) -> None:
    drawn = draw({f"h{k:02d}": energies() for k in range(30)}, tmp_path, "run")
    names = ["overview", "histograms", "histograms-2", "histograms-3"]
    assert [path.stem for path in drawn] == names


@pytest.mark.parametrize("title", ["$100 a run", "a $b$ c", r"\frac{$1}{2}$", "$\\undefined$"])
def test_a_dollar_is_a_dollar(tmp_path: Path, figures: Figures, title: str) -> None:
    members = {f"{title}1/E $": energies(label=title), f"{title}2/E $": energies(label=title)}
    named = {name.replace("\\", "").replace("/E", "_/E"): made for name, made in members.items()}
    draw(named, tmp_path, title)
    for figure in figures.values():
        assert any(text.replace(r"\$", "$") == title for text in shown(figure))


def test_the_same_histograms_give_the_same_bytes(tmp_path: Path) -> None:
    members = {"a/energy": energies(), "b/energy": energies(), "b/pile_up": plane()}
    first, second = draw(members, tmp_path / "a", "run"), draw(members, tmp_path / "b", "run")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


@pytest.mark.slow
def test_a_setup_of_3584_channels_is_counted_and_drawn(tmp_path: Path) -> None:
    channels, hits = 3584, 100_000
    rng = np.random.default_rng(1)
    channel = rng.integers(0, channels, hits)
    columns: dict[str, Any] = {name: rng.random(hits) for name in ChannelAnalysis.columns or ()}
    columns |= {
        "crate": channel // 256,
        "slot": channel // 16 % 16,
        "channel": channel % 16,
        "energy": rng.integers(0, 60_000, hits),
        "trace_length": np.full(hits, 250),
        "extension": np.full(hits, 168),
    }
    start = np.arange(0, hits + 1, 4)
    events = {name: np.zeros(len(start) - 1) for name in ("timestamp", "item")}
    analysis = ChannelAnalysis()
    analysis.begin(Segment("run-0001-00.evt", 1, 0, {}))
    analysis.process(Batch(events, columns, start))
    drawn = draw(analysis.end(), tmp_path, "run-0001")
    assert len(drawn) == 25
