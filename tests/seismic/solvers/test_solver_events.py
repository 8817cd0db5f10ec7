"""Events as directories."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from headrace.seismic import SeismicError, SolverError
from headrace.seismic.measurement.geometry import read_geometry
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.solvers import Receiver, Source, read_event, write_simulation_event
from headrace.seismic.waveforms.specfem_ascii import write_two_columns

RECEIVERS = (Receiver("HR", "A1", 100.0, 20.0), Receiver("XX", "B", 250.5, 1e-3))


def test_an_event_is_read_as_it_was_written(tmp_path: Path) -> None:
    source = Source(12.5, 30.0, "gaussian", 8.0, 2.0)
    write_simulation_event(tmp_path / "quake", source, RECEIVERS)
    event = read_event(tmp_path / "quake")
    assert (event.name, event.source, event.receivers) == ("quake", source, RECEIVERS)


def test_stations_may_have_comments_and_numbers_as_fortran_writes_them(tmp_path: Path) -> None:
    write_simulation_event(tmp_path, Source(0.0, 1.0), RECEIVERS)
    (tmp_path / "STATIONS").write_text("# name net x z\n\nS1 AA 1 2\nS2 AA 3.d0 4.D+1 # far\n")
    found = [(one.code, one.x, one.z) for one in read_event(tmp_path).receivers]
    assert found == [("AA.S1", 1.0, 2.0), ("AA.S2", 3.0, 40.0)]


SPECFEM2D_STATIONS = (
    "S0001    AA          300.0000000        2997.5000000       0.0         0.0\n"
    "S0002    AA          700.d0             1250.d0            0.0         0.0\n"
)
"""As SPECFEM2D's mesher writes them; z points up, the model's top is at 3000 m."""


def copied_event(place: Path, said: str) -> Path:
    """An event whose STATIONS is a copy of SPECFEM2D's."""
    place.mkdir()
    (place / "source.toml").write_text(f"x = 500.0\nz = 2900.0\nfrequency = 8.0\n{said}")
    (place / "STATIONS").write_text(SPECFEM2D_STATIONS)
    return place


def test_a_copied_stations_file_is_refused_until_z_is_said(tmp_path: Path) -> None:
    path = copied_event(tmp_path / "quake", "")
    for read in (read_event, read_geometry):
        with pytest.raises(SeismicError, match="line 1: 6 columns, as in SPECFEM2D") as caught:
            read(path)
        assert 'z_positive = "up" and z_top' in str(caught.value)
        assert "\n" not in str(caught.value)


def test_z_that_points_up_becomes_depth(tmp_path: Path) -> None:
    path = copied_event(tmp_path / "quake", 'z_positive = "up"\nz_top = 3000.0\n')
    event, geometry = read_event(path), read_geometry(path)
    assert (event.source.x, event.source.z) == (500.0, 100.0)
    assert [(one.x, one.z) for one in event.receivers] == [(300.0, 2.5), (700.0, 1750.0)]
    assert geometry.source == (500.0, 100.0)
    assert geometry.stations == {"AA.S0001": (300.0, 2.5), "AA.S0002": (700.0, 1750.0)}
    # What is written again is depth.
    write_simulation_event(tmp_path / "again", event.source, event.receivers)
    again = read_event(tmp_path / "again")
    assert (again.source, again.receivers) == (event.source, event.receivers)


def test_six_columns_may_be_said_to_be_depths(tmp_path: Path) -> None:
    path = copied_event(tmp_path / "quake", 'z_positive = "down"\n')
    assert [one.z for one in read_event(path).receivers] == [2997.5, 1250.0]
    assert read_event(path).source.z == 2900.0


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ('z_positive = "upwards"\n', 'z_positive must be "down" or "up", not \'upwards\''),
        ('z_positive = "up"\n', "z_top must be a number, not None"),
        ('z_positive = "up"\nz_top = inf\n', "z_top must be a number, not inf"),
        ("z_top = 3000.0\n", 'z_top is for z_positive = "up" alone'),
    ],
)
def test_a_wrong_orientation_is_told(said: str, message: str, tmp_path: Path) -> None:
    path = copied_event(tmp_path / "quake", said)
    for read in (read_event, read_geometry):
        with pytest.raises(SeismicError, match=message):
            read(path)


def test_a_wavelet_is_highest_in_the_middle_and_its_band_ends_where_it_says() -> None:
    axis = TimeAxis(-1.0, 1e-3, 2001)
    for wavelet in ("ricker", "gaussian"):
        source = Source(0.0, 0.0, wavelet, 7.0, 3.0)  # type: ignore[arg-type]
        samples = source.samples(axis)
        assert samples.argmax() == 1000
        assert samples.max() == pytest.approx(3.0)
        spectrum = np.abs(np.fft.rfft(samples))
        above = np.fft.rfftfreq(2001, 1e-3) > source.highest_frequency
        assert spectrum[above].max() < 0.06 * spectrum.max()
        assert spectrum[~above].min() >= 0.0


def test_a_wavelet_from_a_file_travels_with_its_event(tmp_path: Path) -> None:
    axis = TimeAxis(-0.5, 0.01, 101)
    shape = np.sin(np.linspace(0.0, np.pi, 101))
    write_two_columns(tmp_path / "mine.txt", axis, shape)
    source = Source(0.0, 1.0, "file", amplitude=2.0, file=tmp_path / "mine.txt")
    write_simulation_event(tmp_path / "quake", source, RECEIVERS)
    (tmp_path / "mine.txt").unlink()
    read = read_event(tmp_path / "quake").source
    assert read.highest_frequency is None
    assert read.samples(axis) == pytest.approx(2.0 * shape, abs=1e-8)
    finer = read.samples(TimeAxis(-1.0, 0.005, 401))
    assert finer[100:301:2] == pytest.approx(2.0 * shape, abs=1e-6)
    assert not finer[:99].any()
    (tmp_path / "quake" / "mine.txt").write_text("1 2 3\n")
    with pytest.raises(SolverError, match=r"mine\.txt: corrupt"):
        read.samples(axis)
    with pytest.raises(SolverError, match="cannot be read"):
        write_simulation_event(tmp_path / "other", source, RECEIVERS)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("x = 1.0", "x = nan", "x: nan is not a number"),
        ("x = 1.0", "", "x: None is not a number"),
        ("frequency = 1.0", "frequency = 0.0", "frequency must be above 0"),
        ('wavelet = "ricker"', 'wavelet = "square"', "'square' is not ricker"),
        ('wavelet = "ricker"', 'wavelet = "file"', "name the wavelet's file"),
        ('wavelet = "ricker"', 'wavelet = "file"\nfile = "../a"', "in the event's directory"),
        ("x = 1.0", "x = 1.0\ny = 2.0", "y: no such key"),
        ("x = 1.0", "x = ", "Invalid value"),
    ],
)
def test_a_wrong_source_is_told_in_one_line(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    write_simulation_event(tmp_path, Source(1.0, 2.0), RECEIVERS)
    path = tmp_path / "source.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(SolverError, match=message) as caught:
        read_event(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("S1 AA 1", "line 1: not NAME NETWORK X Z"),
        ("S1 AA 1 2\nS1 AA one 2", "line 2: not NAME NETWORK X Z"),
        ("S1 AA 1 2\nS1 AA 3 4", "line 2: AA.S1: twice"),
        ("S/1 AA 1 2", "line 1: AA.S/1"),
        ("# none\n", "no station"),
    ],
)
def test_wrong_stations_are_told_by_their_line(text: str, message: str, tmp_path: Path) -> None:
    write_simulation_event(tmp_path, Source(1.0, 2.0), RECEIVERS)
    (tmp_path / "STATIONS").write_text(text)
    with pytest.raises(SolverError, match=message):
        read_event(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SolverError, match=r"source\.toml: cannot be read: No such file"):
        read_event(tmp_path)
    write_simulation_event(tmp_path, Source(1.0, 2.0), RECEIVERS)
    (tmp_path / "STATIONS").unlink()
    with pytest.raises(SolverError, match="STATIONS: cannot be read: No such file"):
        read_event(tmp_path)


def test_amplitude_scales_the_wavelet() -> None:
    axis = TimeAxis(-1.0, 0.01, 201)
    one = Source(0.0, 0.0, "ricker", 3.0)
    three = dataclasses.replace(one, amplitude=3.0)
    assert three.samples(axis) == pytest.approx(3.0 * one.samples(axis))
