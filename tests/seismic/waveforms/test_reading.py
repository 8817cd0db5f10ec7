"""Reading seismograms: formats, pairs, and what is wrong with a file."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import numpy as np
import obspy
import pytest

from headrace.seismic import SeismicError, StationProblem, find_stations, read_seismogram
from headrace.seismic.waveforms.reading import TraceFile

ORIGIN = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def trace_file(path: Path) -> TraceFile:
    return TraceFile(path, "HR", "S00", "BXY")


def write(tmp_path: Path, text: str) -> TraceFile:
    path = tmp_path / "HR.S00.BXY.semd"
    path.write_text(text, encoding="utf-8")
    return trace_file(path)


def test_two_columns(event: Path) -> None:
    found = read_seismogram(trace_file(event / "obs" / "HR.S00.BXY.semd"))
    assert found.start == -48.0
    assert found.dt == 0.06
    assert found.data.shape == (5000,)


def test_fortran_numbers_without_an_exponent_letter_are_read(tmp_path: Path) -> None:
    text = " -1.0  0.5000D+00\n  0.0  0.1234-103\n  1.0 -0.25E+01\n  2.0 7.5+100\n"
    found = read_seismogram(write(tmp_path, text))
    assert found.data.tolist() == [0.5, 0.1234e-103, -2.5, 7.5e100]
    assert (found.start, found.dt) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.0 1.0\n0.1 abc\n", "corrupt"),
        ("0.0 1.0\n0.1\n", "corrupt"),
        ("0.0 1.0 2.0\n0.1 1.0 2.0\n", "corrupt: not two columns"),
        ("0.0 1.0\n", "at least two samples"),
        ("", "corrupt: the file is empty"),
        ("0.0 1.0\n0.1 1.0\n0.5 1.0\n", "not evenly spaced"),
        ("0.2 1.0\n0.1 1.0\n", "do not rise"),
        ("0.0 1.0\n0.1 nan\n0.2 inf\n", "2 samples are not finite, first at sample 1"),
    ],
)
def test_a_bad_file_is_a_problem_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(StationProblem) as caught:
        read_seismogram(write(tmp_path, text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "HR.S00.BXY.semd" in str(caught.value)


def test_binary_rubbish_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "HR.S00.BXY.semd"
    path.write_bytes(bytes(range(256)) * 8)
    with pytest.raises(StationProblem, match="corrupt"):
        read_seismogram(trace_file(path))


@pytest.mark.parametrize(("suffix", "kind"), [("sac", "SAC"), ("mseed", "MSEED")])
def test_obspy_formats_are_paired_with_text(event: Path, suffix: str, kind: str) -> None:
    for path in sorted((event / "obs").iterdir()):
        found = read_seismogram(trace_file(path))
        network, station, channel, _ = path.name.split(".")
        header = {
            "network": network,
            "station": station,
            "channel": "BH" + channel[-1],
            "delta": found.dt,
            "starttime": obspy.UTCDateTime(ORIGIN) + found.start,
        }
        trace = obspy.Trace(found.data, header)
        trace.write(str(path.with_suffix(f".{suffix}")), format=kind)
        path.unlink()
    stations, problems = find_stations(event / "obs", event / "syn", ["Y"])
    assert problems == []
    assert len(stations) == 10
    pair = stations[3].pairs[0]
    assert pair.observed is not None
    assert pair.synthetic is not None
    assert pair.channel == "BXY"
    read = read_seismogram(pair.observed, ORIGIN)
    text = read_seismogram(pair.synthetic)
    assert read.dt == text.dt
    assert read.start == pytest.approx(text.start, abs=1e-4)
    assert len(read.data) == len(text.data)


def test_absolute_times_need_an_origin(tmp_path: Path) -> None:
    trace = obspy.Trace(np.arange(10.0), {"station": "S00", "network": "HR", "channel": "BXY"})
    trace.write(str(tmp_path / "a.mseed"), format="MSEED")
    with pytest.raises(StationProblem, match="origin_time"):
        read_seismogram(trace_file(tmp_path / "a.mseed"))


def test_a_sac_file_may_know_its_origin(tmp_path: Path) -> None:
    trace = obspy.Trace(np.arange(10.0), {"station": "S00", "network": "HR", "channel": "BXY"})
    trace.stats.sac = {"b": 5.0, "o": 7.5}
    trace.write(str(tmp_path / "a.sac"), format="SAC")
    assert read_seismogram(trace_file(tmp_path / "a.sac")).start == pytest.approx(-2.5)


def test_stations_have_every_component_asked_for(event: Path) -> None:
    shutil.copy(event / "syn/HR.S00.BXY.semd", event / "syn/HR.S00.BXX.semd")
    (event / "obs/HR.S01.BXY.semd").unlink()
    (event / "syn/HR.S02.BXY.semd").unlink()
    (event / "obs/notes.txt").write_text("not a seismogram")
    stations, problems = find_stations(event / "obs", event / "syn", ["X", "Y"])
    assert problems == []
    assert [station.code for station in stations] == [f"HR.S{i:02d}" for i in range(10)]
    only_synthetic, whole = stations[0].pairs
    assert only_synthetic.observed is None
    assert not only_synthetic.blank
    assert whole.observed is not None
    blank, without_observed = stations[1].pairs
    assert blank.blank
    assert blank.channel == "BXX"
    assert without_observed.observed is None
    assert stations[2].pairs[1].synthetic is None


def test_displacement_is_taken_before_velocity(event: Path) -> None:
    for folder in ("obs", "syn"):
        shutil.copy(event / folder / "HR.S00.BXY.semd", event / folder / "HR.S00.BXY.semv")
    stations, _ = find_stations(event / "obs", event / "syn", ["Y"])
    pair = stations[0].pairs[0]
    assert pair.observed is not None
    assert pair.observed.path.suffix == ".semd"


def test_directories_without_seismograms_are_errors(event: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SeismicError, match="no seismograms"):
        find_stations(empty, event / "syn", ["Y"])
    with pytest.raises(SeismicError, match="no such directory"):
        find_stations(tmp_path / "nowhere", event / "syn", ["Y"])
    with pytest.raises(SeismicError, match="no trace of component Z"):
        find_stations(event / "obs", event / "syn", ["Z"])
