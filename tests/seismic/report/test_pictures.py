"""Pictures: files that are whole, the same for the same data, and show what they are to show."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.seismic import EventRequest, SingleRank, process_event
from headrace.seismic.models import Axis, FieldSpec, Layout, Provenance, write_model
from headrace.seismic.report.pictures import (
    Measures,
    PictureError,
    Places,
    Section,
    draw_costs,
    draw_fits,
    draw_histograms,
    draw_kernels,
    draw_misfits,
    draw_models,
    draw_updates,
    maps,
    read_fits,
    read_measures,
    read_places,
    read_section,
)
from tests.support.seismic.picture_sections import PLACES, X, Z, section


def evaluations() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for iteration, misfit in enumerate((10.0, 4.0, 1.0)):
        about = {"iteration": iteration, "band": "long" if iteration < 2 else "short"}
        rows.append({**about, "misfit": misfit, "trial": False})
        rows.append({**about, "misfit": math.inf, "trial": True, "accepted": False})
        rows.append({**about, "misfit": 0.4 * misfit, "trial": True, "accepted": True})
    return rows


DRAWN: dict[str, Callable[[Path], Path]] = {
    "models": lambda path: draw_models(path, {"a": section(2.0), "b": section(3.0)}, PLACES, "Two"),
    "updates": lambda path: draw_updates(path, section(3.0), {"start": section(2.0)}, PLACES),
    "kernels": lambda path: draw_kernels(path, {"raw": section(X), "none": section(0.0)}),
    "misfits": lambda path: draw_misfits(path, evaluations(), "Misfit", [1.0, 0.7, 0.5]),
    "costs": lambda path: draw_costs(path, {"forward": {"seconds": 7300.0, "core_hours": 0.0}}),
    "histograms": lambda path: draw_histograms(
        path, {"start": Measures(X, X**2), "now": Measures(0.1 * X, 0.01 * X**2)}
    ),
}


@pytest.mark.parametrize("kind", DRAWN)
def test_the_same_data_are_the_same_bytes(kind: str, tmp_path: Path) -> None:
    first, second = (DRAWN[kind](tmp_path / "new" / f"{n}.png") for n in range(2))
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert first.read_bytes().rstrip().endswith(b"IEND\xaeB`\x82")
    assert {path.name for path in first.parent.iterdir()} == {"0.png", "1.png"}


def test_nothing_of_pyplot_is_touched(tmp_path: Path) -> None:
    call = (
        "import sys; from pathlib import Path\n"
        "from headrace.seismic.report.pictures import draw_costs\n"
        "assert 'matplotlib' not in sys.modules\n"
        "stages = {'forward': {'seconds': 1, 'core_hours': 1}}\n"
        f"draw_costs(Path({str(tmp_path / 'a.png')!r}), stages)\n"
        "assert 'matplotlib.figure' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_changes_are_in_percent_and_symmetric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(maps, "_draw", lambda path, panels, places, title: seen.extend(panels))
    draw_updates(tmp_path / "a.png", section(2.0 + 0.01 * X), {"start": section(2.0)})
    draw_kernels(tmp_path / "a.png", {"raw": section(X - 2.0)}, percentile=50.0)
    update, kernel = seen
    assert update.section.values[0, -1] == pytest.approx(2.0)
    assert update.high == -update.low == pytest.approx(2.0)
    assert update.label == "change of P-wave speed (%)"
    assert update.extend == "neither"
    assert kernel.high == -kernel.low == pytest.approx(np.median(np.abs(X - 2.0)))
    assert kernel.extend == "both"


def write(path: Path, axes: tuple[Axis, ...], values: np.ndarray[Any, Any], units: str) -> Path:
    layout = Layout(axes, (FieldSpec("vp", units),), "float64")
    write_model(path, layout, {"vp": values}, Provenance("test"))
    return path


def test_sections_are_in_kilometres(tmp_path: Path) -> None:
    axes = (Axis.even("x", "m", 0.0, 500.0, 4), Axis.even("z", "m", 0.0, 100.0, 3))
    values = 1000.0 + np.arange(12.0).reshape(4, 3)
    found = read_section(write(tmp_path / "m.h5", axes, values, "m/s"), "vp")
    assert found.along.tolist() == [0.0, 0.5, 1.0, 1.5]
    assert found.upright == pytest.approx([0.0, 0.1, 0.2])
    assert found.values == pytest.approx(values.T / 1000.0)
    assert (found.label, found.upright_label) == ("P-wave speed (km/s)", "depth (km)")
    assert found.down


@pytest.mark.parametrize("across", ["z", "y", "x", None])
def test_a_section_through_a_volume(tmp_path: Path, across: str | None) -> None:
    axes = tuple(Axis.even(name, "km", 0.0, 1.0, n) for name, n in (("z", 3), ("y", 4), ("x", 5)))
    values = np.arange(60.0).reshape(3, 4, 5)
    path = write(tmp_path / "m.h5", axes, values, "1/m^3")
    found = read_section(path, "vp", across, None if across is None else 1.2)
    expected = {"z": values[1], "y": values[:, 1], "x": values[:, :, 1], None: values[:, 1]}[across]
    assert found.values == pytest.approx(expected)
    assert found.units == "1/m³"
    assert found.down == (across != "z")


def test_places_of_events(tmp_path: Path) -> None:
    for number in range(2):
        event = tmp_path / str(number)
        event.mkdir()
        (event / "source.toml").write_text(f"x = {1000.0 * number}\nz = 50.0\n")
        (event / "STATIONS").write_text("A HR 500.0 0.0\nB HR 1500.0 0.0\n")
    found = read_places(sorted(tmp_path.iterdir()))
    assert found == Places(((0.0, 0.05), (1.0, 0.05)), ((0.5, 0.0), (1.5, 0.0)))


def test_fits_and_measures_of_an_event(event: Path, config_file: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    request = EventRequest(event / "obs", event / "syn", results, config_file, "quake", "none")
    summary = process_event(request, SingleRank(), lambda fact: None)
    measures = read_measures([results, results])
    assert len(measures.shifts) == 2 * summary["windows"]
    assert measures.misfits.sum() == pytest.approx(2 * summary["misfit"])
    fits = read_fits(results, event / "obs", event / "syn", config_file, 2, start=event / "syn")
    assert [fit.name for fit in fits] == ["HR.S00.BXY", "HR.S09.BXY"]
    for fit in fits:
        assert fit.start is not None
        assert np.array_equal(fit.start, fit.synthetic)
        source = np.loadtxt(results / f"{fit.name}.adj")[:, 1]
        assert np.array_equal(fit.adjoint_source, source)
        (window,) = fit.windows
        assert not source[(fit.times < window[0]) | (fit.times > window[1])].any()
    assert draw_fits(tmp_path / "fits.png", fits, "quake").stat().st_size > 10_000


def test_what_cannot_be_drawn_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    calls: list[tuple[Callable[[], Any], str]] = [
        (lambda: draw_models(path, {}), "no model"),
        (lambda: draw_kernels(path, {}), "no kernel"),
        (lambda: draw_updates(path, section(1.0), {}), "nothing to compare"),
        (lambda: draw_updates(path, section(1.0), {"start": section(0.0)}), "zero somewhere"),
        (lambda: draw_misfits(path, []), "no misfit"),
        (lambda: draw_costs(path, {}), "no stage"),
        (lambda: draw_histograms(path, {}), "no window"),
        (lambda: draw_fits(path, []), "no trace"),
        (lambda: section(np.nan), "not finite"),
        (lambda: Section(np.zeros((2, 3)), X, Z), "its axes are"),
        (lambda: read_measures([tmp_path]), r"windows\.json: cannot be read"),
        (lambda: DRAWN["costs"](Path("/proc/a.png")), "/proc/a.png: cannot write"),
    ]
    for call, words in calls:
        with pytest.raises(PictureError, match=words):
            call()
    assert not path.exists()
