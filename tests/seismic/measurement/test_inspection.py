"""A look at one event: what the tables say, and what follows from one setting or another."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from obspy.io.sac import SACTrace

from headrace.seismic import ConfigError, SeismicError
from headrace.seismic.config_file import read_config
from headrace.seismic.measurement.event_directories import find_events
from headrace.seismic.measurement.inspection import Inspection, inspect_event
from tests.support.seismic.recorded_event import ORIGIN, SETTINGS, TIMES, Event, record, wave


@pytest.fixture
def event(tmp_path: Path) -> Event:
    event = Event(tmp_path)
    (event.directory / "event.toml").write_text("time = 2020-01-01T23:57:00Z\n")
    return event


def inspect(event: Event, settings: str = SETTINGS) -> Inspection:
    config = event.directory / "c.toml"
    config.write_text(settings)
    return inspect_event("e", event.observed, event.synthetic, read_config(config), str(config))


def pulse(times: Any, at: float) -> Any:
    return 1e-4 * np.exp(-(((times - at) / 9.0) ** 2)) * np.cos((times - at) * 0.31)


def write_counts(event: Event) -> None:
    """Counts of a velocity sensor, and synthetic velocities."""
    (event.synthetic / "AA.S1.BXZ.semd").rename(event.synthetic / "AA.S1.BXZ.semv")
    trace = record(TIMES, "HHZ", late=2.0)
    trace.data = np.round(1e9 * trace.data).astype(np.int32)
    trace.write(str(event.observed / "a.mseed"), format="MSEED", encoding="STEIM2")


def test_counts_are_measured_for_their_times_alone_when_that_is_said(event: Event) -> None:
    write_counts(event)
    assert "holds raw counts, whole numbers alone" in event.refusal()
    (problem,) = inspect(event).problems
    assert problem.line == "normalize_observed = true"
    assert problem.files == (str(event.directory / "c.toml"),)
    settings = SETTINGS + f"{problem.line}\n"
    assert inspect(event, settings).sound
    assert event.shifts(settings) == pytest.approx([2.0, 2.0], abs=0.01)


def test_what_compares_amplitudes_takes_no_counts(event: Event) -> None:
    write_counts(event)
    settings = SETTINGS.replace("cc_traveltime_subsample", "waveform")
    (problem,) = inspect(event, settings).problems
    assert problem.decide
    assert problem.line == ""
    with pytest.raises(ConfigError, match="compares amplitudes"):
        inspect(event, settings + "normalize_observed = true\n")


@pytest.mark.parametrize("whole", [True, False])
def test_counts_that_are_called_a_displacement_stay_refused(whole: bool, event: Event) -> None:
    trace = record(TIMES, "HHZ")
    trace.data = 1e9 * trace.data
    if whole:
        trace.data = np.round(trace.data)
    trace.write(str(event.observed / "a.mseed"), format="MSEED")
    settings = SETTINGS + 'observed_quantity = "displacement"\nnormalize_observed = true\n'
    refusal = event.refusal(settings)
    assert ("they are no displacement" if whole else "1e+09 times as large") in refusal
    (problem,) = inspect(event, settings).problems
    assert problem.line == ""


@pytest.mark.parametrize("late", [5.0, 10.0, -10.0, 15.0])
def test_a_shift_is_no_reversed_polarity(late: float, event: Event) -> None:
    record(TIMES, late=late).write(str(event.observed / "a.mseed"), format="MSEED")
    assert inspect(event).problems == ()


@pytest.mark.parametrize("late", [90.0, -90.0])
def test_an_origin_wrong_by_more_than_a_period_is_doubted(late: float, event: Event) -> None:
    event.write_synthetic("AA.S1.BXZ.semd", pulse(TIMES, 200.0))
    trace = record(TIMES)
    trace.data = pulse(TIMES, 200.0 + late)
    trace.write(str(event.observed / "a.mseed"), format="MSEED")
    (problem,) = inspect(event).problems
    side = "later" if late > 0 else "earlier"
    assert f"observed is the synthetic 90 s {side}" in problem.text
    assert "is the origin time right?" in problem.text
    assert problem.decide


def test_a_station_without_a_place_is_told_before_weights_by_azimuth(event: Event) -> None:
    shutil.copy(event.synthetic / "AA.S1.BXZ.semd", event.observed / "AA.S1.BXZ.semd")
    settings = SETTINGS + "[weights]\nazimuth_bins = 4\n"
    assert "weights.azimuth_bins needs positions" in event.refusal(settings)
    (problem,) = inspect(event, settings).problems
    assert "weights.azimuth_bins needs positions" in problem.text
    (event.directory / "source.toml").write_text("x = 0.0\nz = 0.0\n")
    (event.directory / "STATIONS").write_text("S2 AA 10.0 0.0\n")
    (found,) = find_events(event.directory)
    assert found.geometry == event.directory
    config = read_config(event.directory / "c.toml")
    seen = inspect_event("e", found.observed, found.synthetic, config, "c.toml", found.geometry)
    assert "STATIONS lacks AA.S1, which have seismograms" in seen.problems[0].text
    assert not seen.sound


def test_a_sampling_that_differs_is_told_while_the_origin_is_unknown(event: Event) -> None:
    (event.directory / "event.toml").unlink()
    trace = record(0.1 * np.arange(4000), "BHZ")
    SACTrace.from_obspy_trace(trace).write(str(event.observed / "a.sac"))
    seen = inspect(event, SETTINGS.replace("resample = true", ""))
    assert {problem.line for problem in seen.problems} == {
        "time = YYYY-MM-DDThh:mm:ssZ",
        'observed_quantity = "displacement"',
        "resample = true",
    }
    (origin,) = [problem for problem in seen.problems if problem.line.startswith("time")]
    assert origin.files == (str(event.directory / "event.toml"),)


@pytest.mark.parametrize("dt", [3.0, 3.3333333, 4.0000004])
def test_the_band_that_a_coarse_record_is_advised_does(dt: float, event: Event) -> None:
    record(dt * np.arange(120), "BXZ").write(str(event.observed / "a.mseed"), format="MSEED")
    (problem,) = inspect(event).problems
    assert "too coarse" in problem.text
    seen = inspect(event, SETTINGS.replace("period_band = [10.0, 60.0]", problem.line))
    assert not [one.text for one in seen.problems if "too coarse" in one.text]


def test_a_record_too_coarse_for_any_period_of_the_band_gets_no_advice(event: Event) -> None:
    record(20.0 * np.arange(20), "BXZ").write(str(event.observed / "a.mseed"), format="MSEED")
    (problem,) = [one for one in inspect(event).problems if "too coarse" in one.text]
    assert (problem.line, problem.decide) == ("", True)


def test_amplitudes_whose_ratio_is_no_number_are_told(event: Event) -> None:
    event.write_synthetic("AA.S1.BXZ.semd", 1e-180 * wave(TIMES))
    trace = record(TIMES)
    trace.data = 1e180 * trace.data
    trace.write(str(event.observed / "a.mseed"), format="MSEED")
    (problem,) = inspect(event).problems
    assert "observed is inf times as large as synthetic" in problem.text


def test_a_suffix_that_tells_is_not_overruled_by_the_line_to_write(event: Event) -> None:
    shutil.copy(event.synthetic / "AA.S1.BXZ.semd", event.observed / "AA.S1.BXZ.semv")
    (problem,) = inspect(event).problems
    assert problem.decide
    assert problem.line == ""


@pytest.mark.parametrize(
    ("told", "time"),
    [
        ("event.toml", ORIGIN),
        ("headers of the records", ORIGIN + 3.0),
        ("c.toml", ORIGIN + 6.0),
    ],
)
def test_the_origin_is_told_with_what_tells_it(told: str, time: object, event: Event) -> None:
    settings = SETTINGS + "origin_time = 2020-01-01T23:57:06Z\n"
    trace = SACTrace.from_obspy_trace(record(TIMES))
    if told != "event.toml":
        (event.directory / "event.toml").unlink()
    if told == "headers of the records":
        trace.o = 3.0
    trace.write(str(event.observed / "a.sac"))
    seen = inspect(event, settings)
    assert seen.origin_from.endswith(told)
    assert seen.origin_time == time.datetime.replace(tzinfo=datetime.UTC)  # type: ignore[attr-defined]


def test_the_table_has_every_record(event: Event) -> None:
    shutil.copy(event.synthetic / "AA.S1.BXZ.semd", event.observed / "AA.S1.BXZ.semd")
    record(TIMES, "BHE").write(str(event.observed / "e.mseed"), format="MSEED")
    record(TIMES, "BNZ", location="20").write(str(event.observed / "n.mseed"), format="MSEED")
    (event.observed / "b.mseed").write_bytes(b"")
    seen = inspect(event)
    told = {(one.side, one.file): one for one in seen.records}
    assert told["observed", "e.mseed"].use == "component E is not asked for"
    assert "AA.S1..BXZ (two columns, displacement) is taken" in told["observed", "n.mseed"].use
    assert told["observed", "n.mseed"].quantity == "acceleration"
    assert told["observed", "b.mseed"].problems == (1,)
    used = told["observed", "AA.S1.BXZ.semd"]
    assert (used.used, used.use) == (True, "compared with AA.S1..BXZ")
    assert (used.dt, used.seconds, used.start) == (0.5, 399.5, "0 s")
    assert used.peak == pytest.approx(np.abs(wave(TIMES)).max(), rel=1e-6)
    assert seen.decisions.quantities == {"displacement": 1}
    assert seen.decisions.amplitude_ratios == pytest.approx((1.0, 1.0, 1.0))


def test_records_alone_are_judged_without_synthetics_and_settings(event: Event) -> None:
    (event.directory / "event.toml").unlink()
    for channel in ("BHE", "BHZ"):
        record(TIMES, channel).write(str(event.observed / f"{channel}.mseed"), format="MSEED")
    (found,) = find_events(event.observed)
    assert found.synthetic is None
    seen = inspect_event("e", found.observed, found.synthetic, None, "the configuration")
    assert seen.decisions.components == ("E", "Z")
    assert [problem.line for problem in seen.problems] == ["time = YYYY-MM-DDThh:mm:ssZ"]
    assert seen.problems[0].files == (str(event.observed / "event.toml"),)
    (event.observed / "event.toml").write_text("time = 2020-01-01T23:57:00Z\n")
    assert inspect_event("e", found.observed, None, None, "the configuration").sound


def test_an_archive_is_no_event(tmp_path: Path) -> None:
    place = tmp_path / "archive" / "2020" / "AA" / "S1" / "BHZ.D"
    place.mkdir(parents=True)
    record(TIMES, "BHZ").write(str(place / "AA.S1..BHZ.D.2020.001"), format="MSEED")
    with pytest.raises(SeismicError, match="a directory with seismograms"):
        find_events(tmp_path / "archive")


def test_synthetics_elsewhere_belong_to_events_of_their_names(event: Event) -> None:
    events = event.directory / "events"
    for name in ("a", "b"):
        shutil.copytree(event.synthetic, events / name / "obs")
        shutil.copytree(event.synthetic, event.directory / "models" / name)
    found = find_events(events, event.directory / "models")
    assert [one.synthetic for one in found] == [event.directory / "models" / x for x in "ab"]
