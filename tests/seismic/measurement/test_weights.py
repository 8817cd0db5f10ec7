"""Weights of windows, stations and azimuths, and windows of an earlier result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.seismic import ConfigError, EventRequest, SeismicError, SingleRank, process_event
from headrace.seismic.config_file import read_config
from headrace.seismic.measurement.geometry import EventGeometry, azimuth_weights, read_geometry

CONFIG = """
period_band = [10.0, 100.0]
components = ["Y"]
adjoint_source = "cc_traveltime_subsample"
"""

Process = Callable[..., dict[str, Any]]


@pytest.fixture
def process(event: Path, config_file: Path, tmp_path: Path) -> Process:
    def run(name: str, more: str = "", **request: Any) -> dict[str, Any]:
        config_file.write_text(CONFIG + more, encoding="utf-8")
        wanted = EventRequest(
            event / "obs", event / "syn", tmp_path / name, config_file, "quake", "none", **request
        )
        return process_event(wanted, SingleRank(), lambda fact: None)

    return run


@pytest.fixture
def located(event: Path) -> Path:
    """The event's directory with positions: nine stations to one side, one to the other."""
    (event / "source.toml").write_text("x = 0.0\nz = 1000.0\n", encoding="utf-8")
    lines = [f"S{n:02d} HR {1000.0 * (n + 1)!r} 0.0" for n in range(9)]
    lines += ["# the lonely one", "S09 HR -5000.0 0.0", "QUIET XX 1.0 2.0"]
    (event / "STATIONS").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return event


def traces(directory: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((directory / "windows.json").read_text())
    return found["traces"]


def source(directory: Path, station: str) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = np.loadtxt(directory / f"{station}.BXY.adj")[:, 1]
    return found


def test_station_weights_scale_misfit_and_adjoint_source(process: Process, tmp_path: Path) -> None:
    plain = process("plain")
    (tmp_path / "listed.txt").write_text("HR.S01 3.0  # twice told\nHR.S02 0.0\n\n")
    weighted = process(
        "weighted",
        '[weights]\nstations = { "HR.S00" = 0.5, "HR.S01" = 2.0 }\nfile = "listed.txt"\n',
    )
    before, after = traces(tmp_path / "plain"), traces(tmp_path / "weighted")
    expected = 0.0
    for number in range(10):
        name = f"HR.S{number:02d}.BXY"
        factor = {0: 0.5, 1: 2.0, 2: 0.0}.get(number, 1.0)
        expected += factor * before[name]["misfit"]
        assert after[name]["misfit"] == pytest.approx(factor * before[name]["misfit"])
        assert after[name]["weight"] == factor
        assert "weight" not in before[name]
        one, other = (source(tmp_path / run, f"HR.S{number:02d}") for run in ("plain", "weighted"))
        assert np.allclose(other, factor * one, rtol=1e-8, atol=0.0)
    assert weighted["misfit"] == pytest.approx(expected)
    windows = sum(len(trace["windows"]) * after[name]["weight"] for name, trace in before.items())
    assert weighted["misfit_per_window"] == pytest.approx(expected / (2 * windows))
    assert plain["windows"] == weighted["windows"]


@pytest.mark.parametrize("kind", ["cc", "length"])
def test_windows_weigh_what_they_are_worth(process: Process, tmp_path: Path, kind: str) -> None:
    process("weighted", f'[weights]\nwindows = "{kind}"\n')
    weights = set()
    for trace in traces(tmp_path / "weighted").values():
        for window in trace["windows"]:
            length = (window["last_sample"] - window["first_sample"]) * trace["dt"] / 10.0
            worth = window["cc"] * (length if kind == "length" else 1.0)
            assert window["weight"] == pytest.approx(worth)
            weights.add(window["weight"])
        total = sum(window["weight"] * window["misfit"] for window in trace["windows"])
        assert trace["misfit"] == pytest.approx(total)
    assert len(weights) > 5


def test_crowded_azimuths_weigh_less(process: Process, located: Path, tmp_path: Path) -> None:
    process("weighted", "[weights]\nazimuth_bins = 4\n", event_directory=located)
    found = {name: trace["weight"] for name, trace in traces(tmp_path / "weighted").items()}
    # Two sectors hold the nine, steeper or flatter than 45 degrees, the third holds the one.
    assert found["HR.S09.BXY"] == pytest.approx(10 / 3)
    assert sum(found.values()) == pytest.approx(10.0)
    assert sum(found[f"HR.S{n:02d}.BXY"] for n in range(9)) == pytest.approx(20 / 3)


def test_equal_sectors_weigh_alike() -> None:
    ring = {
        f"HR.S{n}": (np.sin(angle), np.cos(angle))
        for n, angle in enumerate(np.linspace(0, 2 * np.pi, 8, endpoint=False))
    }
    geometry = EventGeometry((0.0, 0.0), ring)
    assert set(azimuth_weights(geometry, ring, 8).values()) == {1.0}
    assert set(azimuth_weights(geometry, ring, 1).values()) == {1.0}
    assert geometry.azimuth("HR.S2") == pytest.approx(np.pi / 2)


def test_every_station_of_the_solver_has_an_adjoint_source(
    process: Process, located: Path, tmp_path: Path
) -> None:
    (located / "obs/HR.S03.BXY.semd").unlink()
    summary = process("results", event_directory=located)
    assert summary["adjoint_sources"] == 11
    assert not source(tmp_path / "results", "XX.QUIET").any()
    assert not source(tmp_path / "results", "HR.S03").any()
    assert source(tmp_path / "results", "HR.S04").any()
    assert [problem["station"] for problem in summary["problems"]] == ["HR.S03"]


def test_positions_that_are_missing_are_named(
    process: Process, located: Path, tmp_path: Path
) -> None:
    azimuths = "[weights]\nazimuth_bins = 4\n"
    with pytest.raises(SeismicError, match="azimuth_bins needs positions"):
        process("results", azimuths)
    (located / "STATIONS").write_text("S00 HR 1.0 2.0\n")
    with pytest.raises(SeismicError, match=r"STATIONS lacks HR\.S01"):
        process("results", azimuths, event_directory=located)
    for text, words in (
        ("S00 HR 1.0\n", "line 1: not NAME"),
        ("S00 HR 1 2\nS00 HR 1 2\n", "line 2: HR.S00: twice"),
        ("", "no station"),
    ):
        (located / "STATIONS").write_text(text)
        with pytest.raises(SeismicError, match=words):
            read_geometry(located)
    (located / "source.toml").write_text("x = 1.0\n")
    with pytest.raises(SeismicError, match=r"source\.toml: key z must be a number"):
        read_geometry(located)
    with pytest.raises(SeismicError, match=r"source\.toml: cannot be read"):
        read_geometry(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[weights]\nazimuth_bins = 0", "weights.azimuth_bins"),
        ("[weights]\nwindows = 'heavy'", "weights.windows must be one of equal, cc, length"),
        ("[weights]\nstations = { S00 = 1.0 }", "weights.stations must be weights"),
        ('[weights]\nstations = { "HR.S00" = -1.0 }', "weights.stations must be weights"),
        ("[weights]\nfile = 'nowhere.txt'", r"nowhere\.txt: cannot read the weights"),
        ("[weights]\nfile = 'bad.txt'", r"bad\.txt: line 2: must be NET\.STA"),
        ("[windows]\nselect = 'whole'\nc_1 = 2.0", "windows.c_1 means nothing"),
        ("[windows]\nselect = 'none'", "windows.select must be one of pyflex, whole"),
        ("[windows]\nselekt = 'whole'", "did you mean windows.select"),
    ],
)
def test_wrong_weights_are_told(config_file: Path, text: str, words: str) -> None:
    (config_file.parent / "bad.txt").write_text("HR.S00 1.0\nHR.S01 heavy\n")
    config_file.write_text(CONFIG + text, encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        read_config(config_file)


def test_earlier_windows_are_used_again(process: Process, event: Path, tmp_path: Path) -> None:
    more = '[weights]\nwindows = "cc"\n'
    process("first", more)
    again = process("again", more, windows_from=tmp_path / "first")
    assert traces(tmp_path / "again") == traces(tmp_path / "first")
    for path in sorted((tmp_path / "first").glob("*.adj")):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    # Another model moves the windows that would be selected, and the correlations.
    for path in (event / "syn").iterdir():
        times, values = np.loadtxt(path).T
        np.savetxt(path, np.column_stack([times, np.interp(times - 3.0, times, values)]))
    moved = process("moved", more)
    kept = process("kept", more, windows_from=tmp_path / "first")
    borders = {
        run: [
            (name, window["first_sample"], window["last_sample"])
            for name, trace in traces(tmp_path / run).items()
            for window in trace["windows"]
        ]
        for run in ("first", "kept", "moved")
    }
    assert borders["kept"] == borders["first"] != borders["moved"]
    first, last = traces(tmp_path / "first"), traces(tmp_path / "kept")
    assert kept["misfit"] != pytest.approx(again["misfit"])
    assert kept["windows"] == again["windows"]
    assert moved["problems"] == []
    one, other = first["HR.S05.BXY"]["windows"][0], last["HR.S05.BXY"]["windows"][0]
    assert one["weight"] == other["weight"]
    assert one["cc"] != other["cc"]


def test_a_trial_writes_no_adjoint_sources(process: Process, tmp_path: Path) -> None:
    whole = process("whole")
    trial = process("trial", windows_from=tmp_path / "whole", misfit_only=True)
    assert trial["misfit"] == whole["misfit"]
    assert trial["adjoint_sources"] == 0
    names = {path.name for path in (tmp_path / "trial").iterdir()}
    assert names == {"windows.json", "misfit.csv", "summary.json"}
    for name in ("windows.json", "misfit.csv"):
        one, other = (tmp_path / run / name for run in ("whole", "trial"))
        assert one.read_bytes() == other.read_bytes()


def test_a_window_that_is_lost_is_no_lower_misfit(
    process: Process, event: Path, tmp_path: Path
) -> None:
    process("first")
    values = np.loadtxt(event / "syn/HR.S04.BXY.semd")
    values[3, 1] = np.nan
    np.savetxt(event / "syn/HR.S04.BXY.semd", values)
    with pytest.raises(SeismicError, match=r"1 of 10 traces .* HR\.S04\.BXY: .*not finite"):
        process("second", windows_from=tmp_path / "first")
    assert not (tmp_path / "second").exists()


def test_earlier_windows_that_do_not_fit(process: Process, tmp_path: Path) -> None:
    process("first")
    path = tmp_path / "first/windows.json"
    text = path.read_text()
    path.write_text(text.replace('"samples": 5000', '"samples": 4999'))
    with pytest.raises(SeismicError, match="the earlier windows are of 4999 samples"):
        process("second", windows_from=tmp_path / "first")
    path.write_text(text.replace('"event": "quake"', '"event": "other"'))
    with pytest.raises(SeismicError, match="windows of event other, not of quake"):
        process("second", windows_from=tmp_path / "first")
    path.write_text(text[:2000])
    with pytest.raises(SeismicError, match="not the windows of an earlier run"):
        process("second", windows_from=tmp_path / "first")
    with pytest.raises(SeismicError, match="cannot read earlier windows"):
        process("second", windows_from=tmp_path / "nowhere")


def test_the_whole_trace_may_be_the_window(process: Process, tmp_path: Path) -> None:
    process("whole", '[windows]\nselect = "whole"\n')
    found = traces(tmp_path / "whole")
    assert len(found) == 10
    for trace in found.values():
        (window,) = trace["windows"]
        assert (window["first_sample"], window["last_sample"]) == (0, 4999)
        assert 0.7 < window["cc"] <= 1.0
