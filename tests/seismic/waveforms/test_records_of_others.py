"""Records as data centres and other programs write them: what is compared, and what is refused."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from obspy import Stream, Trace, UTCDateTime
from obspy.io.sac import SACTrace

from headrace.seismic import SeismicError, StationProblem, find_stations, read_seismogram
from headrace.seismic.measurement.event_origin import find_origin
from headrace.seismic.measurement.geometry import read_stations
from headrace.seismic.waveforms.trace_files import find_traces
from tests.support.seismic.recorded_event import DT, ORIGIN, SETTINGS, TIMES, Event, record, wave


@pytest.fixture
def event(tmp_path: Path) -> Event:
    return Event(tmp_path)


def write_origin(event: Event, time: str = "2020-01-01T23:57:00Z") -> None:
    (event.directory / "event.toml").write_text(f"time = {time}\n")


# --- origin


def sac(event: Event, name: str = "a.sac", late: float = 0.0, **header: Any) -> None:
    trace = SACTrace.from_obspy_trace(record(TIMES - 50.0, late=late))
    for key, value in header.items():
        setattr(trace, key, value)
    trace.write(str(event.observed / name))


def test_sac_without_an_origin_is_no_origin(event: Event) -> None:
    sac(event)
    assert "nothing gives the origin time" in event.refusal()


def test_a_reference_time_that_is_the_origin_does(event: Event) -> None:
    path = event.observed / "a.sac"
    SACTrace.from_obspy_trace(record(TIMES)).write(str(path))
    data = bytearray(path.read_bytes())
    data[348:352] = (11).to_bytes(4, "little")  # iztype, word 87: the reference is the origin
    path.write_bytes(data)
    assert event.shifts() == pytest.approx([0.0, 0.0], abs=1e-3)


@pytest.mark.parametrize("origin", ["event.toml", "CMTSOLUTION", "quakeml", "o", "settings"])
def test_every_way_to_tell_the_origin(event: Event, origin: str) -> None:
    sac(event, **({"o": 50.0} if origin == "o" else {}))
    settings = SETTINGS
    if origin == "event.toml":
        write_origin(event)
    elif origin == "CMTSOLUTION":
        text = (
            " PDE 2020  1  1 23 56 50.00  10.0000  20.0000  30.0 6.0 6.1 SOMEWHERE\n"
            "event name:     202001012357A\ntime shift:     10.0000\nhalf duration:   3.0000\n"
            "latitude:       10.1000\nlongitude:      20.1000\ndepth:          33.0000\n"
            "Mrr:      1.0e+25\n"
        )
        (event.observed / "CMTSOLUTION").write_text(text)
    elif origin == "quakeml":
        quakeml(event)
    elif origin == "settings":
        settings += "origin_time = 2020-01-01T23:57:00Z\n"
    assert event.shifts(settings) == pytest.approx([0.0, 0.0], abs=1e-3)


def quakeml(event: Event, time: UTCDateTime = ORIGIN, latitude: float = 10.0) -> None:
    from obspy.core.event import Catalog, Origin
    from obspy.core.event import Event as QuakeEvent

    made = Origin(time=time, latitude=latitude, longitude=20.0, depth=33_000.0)
    Catalog([QuakeEvent(origins=[made])]).write(
        str(event.directory / "catalog.xml"), format="QUAKEML"
    )


def test_the_event_counts_more_than_the_settings(event: Event) -> None:
    sac(event)
    write_origin(event)
    assert event.shifts(SETTINGS + "origin_time = 2011-01-01T00:00:00Z\n") == pytest.approx(
        [0.0, 0.0], abs=1e-3
    )


def test_origins_that_disagree_are_refused_with_both_names(event: Event) -> None:
    sac(event)
    write_origin(event)
    quakeml(event, ORIGIN + 7)
    refusal = event.refusal()
    assert "event.toml" in refusal
    assert "catalog.xml" in refusal
    assert "7 s apart" in refusal


def test_a_header_that_disagrees_with_the_event_is_a_problem_of_its_trace(event: Event) -> None:
    sac(event, o=20.0)
    write_origin(event)
    assert "its header puts the origin at 2020-01-01T23:56:30" in event.refusal()


@pytest.mark.parametrize("time", ["1066-10-14T09:00:00Z", "2999-01-01T00:00:00Z"])
def test_absurd_origins_are_refused(event: Event, time: str) -> None:
    sac(event)
    write_origin(event, time)
    assert "cannot be" in event.refusal()


def test_an_origin_of_another_event_is_noticed(event: Event) -> None:
    sac(event)
    write_origin(event, "2011-01-01T00:00:00Z")
    assert "of another event" in event.refusal()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("event.toml", "tiem = 2020-01-01T00:00:00Z\n"),
        ("event.toml", "latitude = 3\n"),
        ("event.toml", "time = 'noon'\n"),
        ("event.toml", "time ="),
        ("CMTSOLUTION", "nothing\n"),
        ("CMTSOLUTION", ""),
    ],
)
def test_files_of_an_event_that_cannot_be_read_are_named(
    event: Event, name: str, text: str
) -> None:
    sac(event)
    (event.directory / name).write_text(text)
    assert name in event.refusal()


def test_other_xml_is_no_event(event: Event) -> None:
    (event.directory / "station.xml").write_text("<FDSNStationXML/>")
    assert find_origin(event.observed, event.synthetic) is None


# --- pieces, gaps and several records


def test_day_files_of_one_record_are_joined(event: Event) -> None:
    whole = record(TIMES)
    midnight = UTCDateTime(2020, 1, 2)
    for day, part in enumerate((whole.slice(None, midnight - DT), whole.slice(midnight, None)), 1):
        part.write(str(event.observed / f"AA.S1..BXZ.D.2020.{day:03d}"), format="MSEED")
    write_origin(event)
    assert event.shifts() == pytest.approx([0.0, 0.0], abs=1e-3)


def test_an_overlap_of_equal_samples_is_no_gap(event: Event) -> None:
    whole = record(TIMES)
    middle = ORIGIN + 200
    parts = (whole.slice(None, middle + 30), whole.slice(middle - 30, None))
    for number, part in enumerate(parts):
        part.write(str(event.observed / f"{number}.mseed"), format="MSEED")
    write_origin(event)
    assert event.shifts() == pytest.approx([0.0, 0.0], abs=1e-3)


def test_two_different_records_of_one_time_are_a_problem(event: Event) -> None:
    for number, late in enumerate((0.0, 3.0)):
        record(TIMES, late=late).write(str(event.observed / f"{number}.mseed"), format="MSEED")
    write_origin(event)
    assert "two different records" in event.refusal()


def test_records_that_overlap_out_of_step_are_no_gap(event: Event) -> None:
    whole = record(TIMES)
    middle = ORIGIN + 200
    later = whole.slice(middle - 30, None)
    later.stats.starttime += 0.4 * DT
    for number, part in enumerate((whole.slice(None, middle + 30), later)):
        part.write(str(event.observed / f"{number}.mseed"), format="MSEED")
    write_origin(event)
    refusal = event.refusal()
    assert "samples are not at the same times; keep one of them" in refusal
    assert "gap" not in refusal


def test_a_gap_within_the_synthetic_is_a_problem_and_one_outside_is_none(event: Event) -> None:
    whole = record(DT * np.arange(2000))
    write_origin(event)
    Stream([whole.slice(None, ORIGIN + 200), whole.slice(ORIGIN + 220, None)]).write(
        str(event.observed / "a.mseed"), format="MSEED"
    )
    assert "gap" in event.refusal()
    Stream([whole.slice(None, ORIGIN + 500), whole.slice(ORIGIN + 520, None)]).write(
        str(event.observed / "a.mseed"), format="MSEED"
    )
    assert event.shifts() == pytest.approx([0.0, 0.0], abs=1e-3)


def test_seismometers_come_before_accelerometers_and_the_table_tells(event: Event) -> None:
    for channel, location, late in (("BNZ", "", 9.0), ("HHZ", "10", 2.0), ("HHZ", "00", 1.0)):
        made = record(TIMES, channel, late, location=location)
        made.write(str(event.observed / f"{channel}{location}.mseed"), format="MSEED")
    write_origin(event)
    settings = SETTINGS + 'observed_quantity = "displacement"\n'
    summary, (row,) = event.process(settings)
    assert row["observed"] == "AA.S1.00.HHZ (MSEED, displacement)"
    assert set(row["left_out"].split(";")) == {"BNZ.mseed", "HHZ10.mseed"}
    assert summary["left_out"] == 2
    assert event.shifts(settings) == pytest.approx([1.0, 1.0], abs=1e-3)


# --- quantities and units


def test_displacement_is_taken_first_and_like_is_compared_with_like(event: Event) -> None:
    for suffix in ("a", "v"):
        event.write_synthetic(f"AA.S1.BXZ.sem{suffix}", 3.0 * wave(TIMES, 5.0))
    shutil.copy(event.synthetic / "AA.S1.BXZ.semd", event.observed / "AA.S1.BXZ.semd")
    _, (row,) = event.process()
    assert row["synthetic"] == "AA.S1..BXZ (two columns, displacement)"
    (event.observed / "AA.S1.BXZ.semd").rename(event.observed / "AA.S1.BXZ.semv")
    _, (row,) = event.process()
    assert row["synthetic"] == "AA.S1..BXZ (two columns, velocity)"


@pytest.mark.parametrize("suffix", ["v", "a", "p"])
def test_unlike_quantities_are_a_problem_that_names_both(event: Event, suffix: str) -> None:
    shutil.copy(event.synthetic / "AA.S1.BXZ.semd", event.observed / f"AA.S1.BXZ.sem{suffix}")
    name = {"v": "velocity", "a": "acceleration", "p": "pressure"}[suffix]
    refusal = event.refusal()
    assert f"is {name}, synthetic AA.S1..BXZ displacement" in refusal
    assert "observed_quantity" in refusal


def test_sac_says_what_it_holds(event: Event) -> None:
    sac(event, o=50.0, idep="ivel")
    assert "is velocity, synthetic" in event.refusal()
    sac(event, o=50.0, idep="idisp")
    assert event.shifts() == pytest.approx([0.0, 0.0], abs=1e-3)


def test_a_record_of_a_velocity_sensor_is_not_measured_in_silence(event: Event) -> None:
    record(TIMES, "BHZ").write(str(event.observed / "a.mseed"), format="MSEED")
    write_origin(event)
    assert "is velocity" in event.refusal()
    assert event.shifts(SETTINGS + 'observed_quantity = "displacement"\n')


def test_counts_are_noticed_by_their_size(event: Event) -> None:
    columns = np.column_stack([TIMES, 1e9 * wave(TIMES)])
    np.savetxt(event.observed / "AA.S1.BXZ.semd", columns)
    assert "1e+09 times as large" in event.refusal()
    summary, _ = event.process(SETTINGS + "amplitude_ratio_limit = 1e10\n")
    assert summary["problems"] == []


# --- times


@pytest.mark.parametrize("part", [0.05, 0.45, -0.3])
def test_starts_between_samples_are_interpolated(event: Event, part: float) -> None:
    record(TIMES + part * DT).write(str(event.observed / "a.mseed"), format="MSEED")
    write_origin(event)
    assert event.shifts() == pytest.approx([0.0, 0.0], abs=2e-3)
    refusal = event.refusal(SETTINGS.replace("resample = true", ""))
    assert "set resample = true" in refusal


@pytest.mark.parametrize("select", ["pyflex", "whole"])
def test_what_was_not_recorded_is_not_zero(event: Event, select: str) -> None:
    record(TIMES[:400]).write(str(event.observed / "a.mseed"), format="MSEED")
    write_origin(event)
    settings = SETTINGS.replace("cc_traveltime_subsample", "waveform")
    summary, (row,) = event.process(settings + f'[windows]\nselect = "{select}"\n')
    assert summary["misfit"] < 1e-16
    assert row["covered_s"] == "0;199.5"
    source = np.loadtxt(event.directory / "out" / "AA.S1.BXZ.adj")
    assert len(source) == len(TIMES)
    assert not source[400:, 1].any()
    told = json.loads((event.directory / "out" / "windows.json").read_text())
    windows = told["traces"]["AA.S1.BXZ"]["windows"]
    assert all(window["last_sample"] < 400 for window in windows)


def test_windows_are_counted_from_the_start_of_the_synthetic(event: Event) -> None:
    record(TIMES[160:], late=2.0).write(str(event.observed / "a.mseed"), format="MSEED")
    write_origin(event)
    _, (row,) = event.process()
    told = json.loads((event.directory / "out" / "windows.json").read_text())
    for window in told["traces"]["AA.S1.BXZ"]["windows"]:
        assert window["first_sample"] >= 160
        assert window["start_time"] == window["first_sample"] * DT
    assert float(row["measured_shift_s"].split(";")[-1]) == pytest.approx(2.0, abs=0.01)


def test_a_record_that_is_too_coarse_is_not_interpolated(event: Event) -> None:
    record(4.0 * np.arange(100)).write(str(event.observed / "a.mseed"), format="MSEED")
    write_origin(event)
    assert "too coarse" in event.refusal()


# --- files


def test_every_file_that_is_left_out_is_told(event: Event) -> None:
    shutil.copy(event.synthetic / "AA.S1.BXZ.semd", event.observed / "AA.S1.BXZ.semd")
    (event.observed / "AA.S2.299.BXZ.semd").write_bytes(
        (event.synthetic / "AA.S1.BXZ.semd").read_bytes()
    )
    (event.observed / "Uz.su").write_bytes(bytes(300))
    (event.observed / "data.h5x").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99))
    record(TIMES).write(str(event.observed / "AA.S9.00.BXZ.D.2020.001"), format="MSEED")
    (event.observed / "README").write_text("none of it\n")
    (event.observed / "STATIONS").write_text("S1 AA 0 0 0 0\n")
    traces, problems = find_traces(event.observed)
    assert sorted(".".join(key) for key in traces) == ["AA.S1", "AA.S2"]
    assert sorted(name for name, _ in problems) == ["AA.S9.00.BXZ.D.2020.001", "Uz.su", "data.h5x"]
    assert "holds AA.S1..BXZ" in dict(problems)["AA.S9.00.BXZ.D.2020.001"]


def test_text_in_a_seismic_channel_is_a_problem_of_its_trace(event: Event) -> None:
    text = Trace(np.frombuffer(b"the seismometer was reset " * 20, "S1"))
    text.stats.update({"network": "AA", "station": "S1", "channel": "BXZ", "starttime": ORIGIN})
    text.write(str(event.observed / "a.mseed"), format="MSEED", encoding="ASCII")
    (station,), _ = find_stations(event.observed, event.synthetic, ["Z"])
    observed = station.pairs[0].observed
    assert observed is not None
    with pytest.raises(StationProblem, match="holds text"):
        read_seismogram(observed, datetime.datetime(2020, 1, 1, 23, 57, tzinfo=datetime.UTC))


def test_gse2_under_another_name_is_told_in_the_table(event: Event) -> None:
    made = record(TIMES)
    made.data = np.round(made.data * 1e9).astype(np.int32)
    made.write(str(event.observed / "a.ms"), format="GSE2")
    write_origin(event)
    _, (row,) = event.process(SETTINGS + "amplitude_ratio_limit = 1e12\n")
    assert "GSE2" in row["observed"]


def test_one_message_says_all_that_must_be_decided(event: Event) -> None:
    made = record(TIMES + 0.2, "BHZ")
    made.write(str(event.observed / "a.mseed"), format="MSEED")
    refusal = event.refusal(SETTINGS.replace("resample = true", ""))
    for words in ("observed_quantity", "event.toml", "c.toml"):
        assert words in refusal
    write_origin(event)
    refusal = event.refusal(SETTINGS.replace("resample = true", ""))
    for words in ("observed_quantity", "resample = true"):
        assert words in refusal


def test_components_that_are_not_there_are_named_with_those_that_are(event: Event) -> None:
    record(TIMES, "BHE").write(str(event.observed / "a.mseed"), format="MSEED")
    refusal = event.refusal(SETTINGS.replace('"Z"', '"Y"'))
    assert "observed are E, synthetic Z" in refusal


def test_equal_problems_of_many_stations_are_said_once(event: Event) -> None:
    for number in range(30):
        name = f"AA.S{number}.BXZ.sem"
        shutil.copy(event.synthetic / "AA.S1.BXZ.semd", event.directory / "copy")
        shutil.copy(event.directory / "copy", event.synthetic / f"{name}d")
        shutil.copy(event.directory / "copy", event.observed / f"{name}v")
    refusal = event.refusal()
    assert refusal.count("is velocity") == 1
    assert "(and 29 more like it)" in refusal


def test_stations_may_have_fortrans_numbers(tmp_path: Path) -> None:
    path = tmp_path / "STATIONS"
    path.write_text("S1 AA 300.d0 1.5D+03\n")
    assert read_stations(path) == {"AA.S1": (300.0, 1500.0)}


@pytest.mark.parametrize("line", ["S1 AA 300.q0 1", "S1 AA 1", "S1 A.A 1 2", "S1 AA nan 2"])
def test_stations_that_cannot_be_are_named_by_their_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "STATIONS"
    path.write_text(f"S0 AA 0 0\n{line}\n")
    with pytest.raises(SeismicError, match="line 2"):
        read_stations(path)
