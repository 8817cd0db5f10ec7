"""Records that are not what a pair needs, and look as if they were: none is measured in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from obspy.core.event import Catalog, Origin
from obspy.core.event import Event as QuakeEvent
from obspy.io.sac import SACTrace

from headrace.seismic.waveforms.reading import read_seismogram
from headrace.seismic.waveforms.trace_files import TraceFile
from tests.support.seismic.recorded_event import DT, ORIGIN, SETTINGS, TIMES, Event, record, wave

WITH_ORIGIN = SETTINGS + "origin_time = 2020-01-01T23:57:00Z\n"
CMT = (
    " PDE 2020  1  1 23 56 50.00  10.0000  20.0000  30.0 6.0 6.1 SOMEWHERE\n"
    "event name:     202001012357A\n"
)


@pytest.fixture
def event(tmp_path: Path) -> Event:
    return Event(tmp_path)


def mseed(event: Event, channel: str = "BXZ") -> None:
    record(TIMES, channel).write(str(event.observed / "a.mseed"), "MSEED")


def sac(event: Event, station: str, origin: float) -> None:
    trace = SACTrace.from_obspy_trace(record(TIMES, station=station))
    trace.o = origin
    trace.write(str(event.observed / f"{station}.sac"))


# --- origin


def test_a_cmtsolution_that_was_cut_off_tells_no_time(event: Event) -> None:
    mseed(event)
    (event.observed / "CMTSOLUTION").write_text(CMT)
    assert "not a complete CMTSOLUTION" in event.refusal()


def test_sources_of_one_rupture_begin_with_the_first(event: Event) -> None:
    mseed(event)
    sources = [f"{CMT}time shift: {shift}\nlatitude: 10.0\n" for shift in (14.0, 10.0, 25.0)]
    (event.observed / "CMTSOLUTION").write_text("".join(sources))
    assert event.shifts() == pytest.approx([0.0, 0.0], abs=1e-3)


def test_a_cmtsolution_of_two_events_is_refused(event: Event) -> None:
    mseed(event)
    other = CMT.replace("23 56", "22 56")
    (event.observed / "CMTSOLUTION").write_text(f"{CMT}time shift: 10\n{other}time shift: 10\n")
    assert "holds 2 events" in event.refusal()


@pytest.mark.parametrize("preferred", [True, False])
def test_of_several_origins_one_is_preferred(event: Event, preferred: bool) -> None:
    mseed(event)
    quake = QuakeEvent(origins=[Origin(time=ORIGIN - 5.0), Origin(time=ORIGIN)])
    if preferred:
        quake.preferred_origin_id = quake.origins[1].resource_id
    Catalog([quake]).write(str(event.directory / "event.xml"), "QUAKEML")
    if preferred:
        assert event.shifts() == pytest.approx([0.0, 0.0], abs=1e-3)
    else:
        refusal = event.refusal()
        assert "holds 2 origins from 2020-01-01T23:56:55" in refusal
        assert "none is preferred" in refusal


def test_a_header_that_disagrees_with_those_of_others_is_a_problem(event: Event) -> None:
    for station, origin in (("S1", 0.0), ("S2", 30.0), ("S3", 0.5)):
        event.write_synthetic(f"AA.{station}.BXZ.semd")
        sac(event, station, origin)
    summary, _ = event.process()
    (problem,) = summary["problems"]
    assert problem["station"] == "AA.S2"
    assert "at 2020-01-01T23:57:30+00:00, those of 2 others at 2020-01-01T23:57:0" in str(problem)
    (event.directory / "event.toml").write_text("time = 2020-01-01T23:57:00Z\n")
    summary, _ = event.process()
    (problem,) = summary["problems"]
    assert "its header puts the origin at" in str(problem)


def test_of_two_headers_that_disagree_none_is_believed(event: Event) -> None:
    for station, origin in (("S1", 0.0), ("S2", 30.0)):
        event.write_synthetic(f"AA.{station}.BXZ.semd")
        sac(event, station, origin)
    assert "puts the origin at 2020-01-01T23:57:00+00:00, others at" in event.refusal()


def test_a_sac_file_without_dates_counts_from_its_origin(event: Event) -> None:
    samples = wave(TIMES).astype(np.float32)
    trace = SACTrace(data=samples, delta=DT, b=50.0, o=50.0, knetwk="AA", kstnm="S1", kcmpnm="BXZ")
    trace.nzyear = None
    trace.write(str(event.observed / "a.sac"))
    (event.directory / "event.toml").write_text("time = 2020-01-01T23:57:00Z\n")
    assert event.shifts() == pytest.approx([0.0, 0.0], abs=1e-3)


# --- quantity


@pytest.mark.parametrize(
    ("channel", "quantity"),
    [("HJZ", "rotation"), ("BDZ", "pressure"), ("HMZ", "mass position"), ("BSZ", "strain")],
)
def test_instruments_that_measure_no_motion_are_not_compared_with_it(
    event: Event, channel: str, quantity: str
) -> None:
    mseed(event, channel)
    refusal = event.refusal(WITH_ORIGIN)
    assert f"is {quantity}, synthetic AA.S1..BXZ displacement, and neither comes of" in refusal
    assert "to write into" not in refusal


@pytest.mark.parametrize(
    ("observed", "synthetic"),
    [("semv", "sem.ascii"), ("semd", "semc"), ("sema", "sem"), ("semp", "sem.ascii")],
)
def test_every_suffix_tells_a_quantity(event: Event, observed: str, synthetic: str) -> None:
    (event.synthetic / "AA.S1.BXZ.semd").rename(event.synthetic / f"AA.S1.MXZ.{synthetic}")
    np.savetxt(event.observed / f"AA.S1.BXZ.{observed}", np.column_stack([TIMES, wave(TIMES)]))
    refusal = event.refusal()
    assert "observed AA.S1..BXZ is" in refusal
    assert "synthetic AA.S1..MXZ" in refusal


# --- samples and times


def padded(event: Event, samples: Any, channel: str = "BHZ") -> str:
    trace = record(TIMES, channel)
    trace.data = samples
    trace.write(str(event.observed / "a.sac"), "SAC")
    return WITH_ORIGIN + 'observed_quantity = "displacement"\n'


@pytest.mark.parametrize("value", ["zero", "last"])
@pytest.mark.parametrize("part", [slice(0, 240), slice(500, None)])
def test_a_record_that_was_filled_at_an_end_is_a_problem(
    event: Event, part: slice, value: str
) -> None:
    samples = wave(TIMES)
    beside = samples[240 if part.start == 0 else 499]
    samples[part] = 0.0 if value == "zero" else beside
    assert "a gap that was filled, or a dead channel" in event.refusal(padded(event, samples))


def test_a_record_that_fades_into_its_ends_is_whole(event: Event) -> None:
    samples = wave(TIMES).astype(np.float32)
    samples[np.abs(samples) < 1e-30] = 0.0
    assert samples[:50].max() == samples[-50:].max() == 0.0
    assert event.shifts(padded(event, samples)) == pytest.approx([0.0, 0.0], abs=1e-3)


@pytest.mark.parametrize("resample", [False, True])
def test_a_small_difference_of_steps_adds_up(event: Event, resample: bool) -> None:
    times = DT * np.arange(12_000)
    late = 5_000.0
    step = DT * (1.0 + 9e-6)
    columns = np.column_stack([times, wave(times, late)])
    np.savetxt(event.synthetic / "AA.S1.BXZ.semd", columns)
    trace = record(TIMES)
    trace.data = wave(step * np.arange(12_000), late)
    trace.stats.delta = step
    trace.write(str(event.observed / "a.sac"), "SAC")
    settings = WITH_ORIGIN
    if resample:
        assert event.shifts(settings)[-2:] == pytest.approx([0.0, 0.0], abs=2e-3)
    else:
        refusal = event.refusal(settings.replace("resample = true\n", ""))
        assert "observed dt is 0.5000045 s, synthetic 0.5 s; set resample" in refusal


def test_the_step_of_rounded_times_is_the_one_that_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "AA.S1.BXZ.semd"
    times = 0.0125 * np.arange(7_000)
    lines = [f"{time:13.5E} {value:13.5E}\n" for time, value in zip(times, times, strict=True)]
    path.write_text("".join(lines))
    trace = TraceFile(path, "AA", "S1", "BXZ", format="two columns")
    assert read_seismogram(trace).dt == 0.0125
