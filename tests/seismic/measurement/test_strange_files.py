"""What people find in their directories: each a line of its own that stops nobody else."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from obspy import Stream, Trace

from headrace.seismic.config_file import read_config
from headrace.seismic.measurement.event_directories import find_events
from headrace.seismic.measurement.inspection import Inspection, inspect_event
from tests.support.seismic.recorded_event import ORIGIN, SETTINGS, TIMES, Event, record, wave

Spoil = Callable[[Event], object]
NO_RECORD = "AA.S2.Z: there is no observed trace"


@pytest.fixture
def event(tmp_path: Path) -> Event:
    """One sound station, and the synthetic of another, whose record each test spoils."""
    event = Event(tmp_path)
    event.write_synthetic("AA.S2.BXZ.semd")
    shutil.copy(event.synthetic / "AA.S1.BXZ.semd", event.observed)
    (event.directory / "event.toml").write_text("time = 2020-01-01T23:57:00Z\n")
    return event


def second(**codes: Any) -> Trace:
    return record(TIMES, **{"station": "S2", **codes})


def write(event: Event, trace: Trace | Stream, name: str = "b.mseed", form: str = "MSEED") -> Path:
    path = event.observed / name
    trace.write(str(path), format=form)
    return path


def text_of(event: Event, name: str, change: Callable[[bytes], bytes] = lambda text: text) -> None:
    (event.observed / name).write_bytes(change((event.synthetic / "AA.S2.BXZ.semd").read_bytes()))


def changed(change: Callable[[Any], Any], **codes: Any) -> Trace:
    trace = second(**codes)
    trace.data = change(trace.data)
    return trace


def filled(value: float) -> Callable[[Any], Any]:
    return lambda data: np.concatenate([data[:300], np.full(100, value), data[400:]])


def inspect(event: Event, settings: str = SETTINGS) -> Inspection:
    config = event.directory / "c.toml"
    config.write_text(settings)
    return inspect_event("e", event.observed, event.synthetic, read_config(config), "c.toml")


def cut_off(event: Event) -> None:
    path = write(event, second())
    path.write_bytes(path.read_bytes()[:-700])


def damaged_header(event: Event) -> None:
    path = write(event, second())
    data = bytearray(path.read_bytes())
    data[44:46] = b"\xff\xff"  # where the samples of the first record begin
    path.write_bytes(data)


def asdf(event: Event) -> None:
    # The beginning of HDF5, and the attribute that ASDF has at its root.
    head = b"\x89HDF\r\n\x1a\n" + bytes(500)
    (event.observed / "all.h5").write_bytes(head + b"file_format\x00ASDF\x00" + bytes(500))


def tar(event: Event) -> None:
    with tarfile.open(event.observed / "all.tar", "w") as archive:
        archive.add(event.synthetic / "AA.S2.BXZ.semd")


def below(event: Event) -> None:
    (event.observed / "S2").mkdir()
    shutil.copy(event.synthetic / "AA.S2.BXZ.semd", event.observed / "S2")


def two_rates(event: Event) -> None:
    write(event, second().slice(None, ORIGIN + 100), "b.mseed")
    write(event, record(0.25 * np.arange(800) + 100.0, station="S2"), "c.mseed")


def of_a_section() -> Trace:
    trace = record(0.05 * np.arange(8000), station="S2")
    trace.data = trace.data.astype(np.float32)
    return trace


def without_samples(event: Event) -> None:
    trace = second()
    trace.data = trace.data.astype(np.float32)
    path = write(event, trace, "b.sac", "SAC")
    head = bytearray(path.read_bytes()[:632])
    head[316:320] = bytes(4)  # npts
    path.write_bytes(head)


STRANGE: dict[str, tuple[Spoil, str]] = {
    "backslash": (
        lambda event: text_of(event, "obs\\AA.S2.BXZ.semd"),
        "has a backslash in its name: unpack the archive anew",
    ),
    "empty": (lambda event: text_of(event, "b.mseed", lambda _: b""), "the file is empty"),
    "empty text": (
        lambda event: text_of(event, "AA.S2.BXZ.semd", lambda _: b""),
        "the file is empty",
    ),
    "cut off": (cut_off, "b.mseed: is damaged or cut off"),
    "damaged header": (damaged_header, "b.mseed: is damaged or cut off (its record at byte 0)"),
    "html": (
        lambda event: text_of(event, "b.mseed", lambda _: b"\n<!DOCTYPE html><html>504</html>"),
        "is a page of HTML",
    ),
    "error as text": (
        lambda event: text_of(event, "b.mseed", lambda _: b"Error 204: no data\n"),
        "no format that is known here",
    ),
    "gzip": (
        lambda event: text_of(event, "AA.S2.BXZ.semd.gz", gzip.compress),
        "is compressed by gzip, which is not read here: unpack it",
    ),
    "tar": (tar, "all.tar: is a tar archive"),
    "asdf": (asdf, "all.h5: is ASDF, which is not read here"),
    "su": (
        lambda event: write(event, of_a_section(), "b.su", "SU"),
        "b.su: no format of seismograms that is known here; it was left out",
    ),
    "directory": (below, "S2: a directory with seismograms (AA.S2.BXZ.semd)"),
    "a name in another encoding": (
        lambda event: text_of(event, os.fsdecode(b"AA.S\xe92.BXZ.semd")),
        "AA.S\\udce92.BXZ.semd: its name has bytes that are not UTF-8",
    ),
    "a line break in the name": (
        lambda event: text_of(event, "AA.S2\n.BXZ.semd"),
        "AA.S2\\n.BXZ.semd: its name has bytes that are not UTF-8, or controls",
    ),
    "link": (
        lambda event: (event.observed / "AA.S2.BXZ.semd").symlink_to("nowhere"),
        "is it a broken link",
    ),
    "pipe": (
        lambda event: os.mkfifo(event.observed / "AA.S2.BXZ.semd"),
        "is a pipe or a device, no file",
    ),
    "copy": (
        lambda event: text_of(event, "AA.S2.BXZ (1).semd"),
        "is it a copy?",
    ),
    "no network in the name": (
        lambda event: text_of(event, "S2.BXZ.semd"),
        "its name lacks the network: call it NET.STA.CHA.sem*",
    ),
    "no network in the header": (
        lambda event: write(event, second(network=""), "b.sac", "SAC"),
        "observed has XX.S2: write the network code into the files that lack it",
    ),
    "lower case": (
        lambda event: text_of(event, "aa.s2.bxz.semd"),
        "observed has aa.s2: write its codes alike in both",
    ),
    "the station of another network": (
        lambda event: write(event, second(network="BB")),
        "BB.S2.Z: there is no synthetic trace",
    ),
    "no samples": (without_samples, "b.sac: corrupt: 0 samples"),
    "one sample": (
        lambda event: write(event, changed(lambda data: data[:1])),
        "b.mseed: corrupt: 1 samples",
    ),
    "nan": (lambda event: write(event, changed(filled(np.nan))), "100 samples are not finite"),
    "gap of 1e20": (
        lambda event: write(event, changed(filled(1e20))),
        "is 1e+20 for 50 s from sample 300 on: a gap that was filled",
    ),
    "gap of zeros": (
        lambda event: write(event, changed(filled(0.0))),
        "is 0 for 50 s from sample 300 on: a gap that was filled",
    ),
    "dead": (
        lambda event: write(event, changed(np.ones_like)),
        "the observed trace is constant, as of a dead channel",
    ),
    "clipped": (
        lambda event: write(event, changed(lambda data: data.clip(-3e-5, 3e-5))),
        "is clipped: it stays at 3e-05 or -3e-05",
    ),
    "two rates": (two_rates, "have different sampling intervals: 0.25 to 0.5 s"),
    "reversed polarity": (
        lambda event: write(event, changed(np.negative)),
        "is the polarity reversed?",
    ),
    "centimetres": (
        lambda event: write(event, changed(lambda data: 100.0 * data)),
        "100 times as large as synthetic",
    ),
    "millimetres": (
        lambda event: write(event, changed(lambda data: 1e3 * data), "b.sac", "SAC"),
        "1e+03 times as large as synthetic",
    ),
    "counts": (
        lambda event: write(event, changed(lambda data: (1e6 * data).astype("i4"), channel="HHZ")),
        "is velocity in raw counts",
    ),
    "counts as floats": (
        lambda event: write(event, changed(lambda data: (1e6 * data).round(), channel="HHZ")),
        "is velocity in raw counts",
    ),
    "local time": (
        lambda event: write(event, record(TIMES + 32_400.0, station="S2")),
        "is the origin time right, and in UTC?",
    ),
    "falling times": (
        lambda event: np.savetxt(
            event.observed / "AA.S2.BXZ.semd", np.column_stack([TIMES, wave(TIMES)])[::-1]
        ),
        "the times do not rise",
    ),
    "another encoding": (
        lambda event: text_of(event, "AA.S2.BXZ.semd", lambda text: text.decode().encode("utf-16")),
        "not text in ASCII or UTF-8",
    ),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_file_is_a_line_of_its_own(name: str, event: Event) -> None:
    spoil, words = STRANGE[name]
    spoil(event)
    summary, rows = event.process()
    told = [f"{one['station']}.{one['component']}: {one['problem']}" for one in summary["problems"]]
    assert any(words in line for line in told), told
    measured = {row["station"]: row["windows"] for row in rows}
    assert measured["AA.S1"] == "2"
    assert measured["AA.S2"] == "0"
    # The look says the same, before.
    seen = inspect(event)
    assert any(words in problem.text for problem in seen.problems)
    assert not seen.failed
    assert seen.decisions.pairs == 1


@pytest.mark.parametrize(
    "harmless",
    [
        lambda event: text_of(
            event,
            "AA.S2.BXZ.semd",
            lambda text: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"),
        ),
        lambda event: write(
            event,
            Stream([second().slice(ORIGIN + 200, None), second().slice(None, ORIGIN + 199.5)]),
        ),
    ],
    ids=["as Windows writes text", "pieces in reverse order"],
)
def test_what_is_whole_is_measured(harmless: Spoil, event: Event) -> None:
    harmless(event)
    summary, rows = event.process()
    assert summary["problems"] == []
    assert [row["windows"] for row in rows] == ["2", "2"]


def test_what_other_programs_leave_behind_is_passed_over(event: Event) -> None:
    for name in ("._AA.S2.BXZ.semd", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (event.observed / name).write_bytes(b"\x00\x05\x16\x07")
    (event.observed / "__MACOSX").mkdir()
    (event.observed / "__MACOSX" / "._AA.S2.BXZ.semd").write_bytes(b"\x00\x05\x16\x07")
    seen = inspect(event)
    assert [problem.text for problem in seen.problems] == [NO_RECORD]


@pytest.mark.parametrize("quoted", ["", '"'])
def test_a_leap_second_is_answered(quoted: str, event: Event) -> None:
    write(event, second())
    (event.directory / "event.toml").write_text(f"time = {quoted}2016-12-31T23:59:60Z{quoted}\n")
    assert "give the second after it" in event.refusal()


def test_an_origin_with_its_zone_is_read(event: Event) -> None:
    write(event, second())
    (event.directory / "event.toml").write_text("time = 2020-01-02T08:57:00+09:00\n")
    assert event.shifts() == pytest.approx([0.0] * 4, abs=1e-3)


@pytest.mark.parametrize(("there", "hint"), [("12Z", "rotate"), ("RTZ", "rotate"), ("Z", "has Z")])
def test_components_under_other_names_are_told(there: str, hint: str, event: Event) -> None:
    event.write_synthetic("AA.S2.BXE.semd")
    for letter in there:
        write(event, second(channel=f"BX{letter}"), f"{letter}.mseed")
    seen = inspect(event, SETTINGS.replace('["Z"]', '["E", "Z"]'))
    (told,) = [problem.text for problem in seen.problems if "AA.S2" in problem.text]
    assert "there is no observed trace of component E" in told
    assert hint in told


def test_one_event_called_otherwise_is_not_passed_over(event: Event) -> None:
    second_event = event.directory.parent / "several" / "2"
    shutil.copytree(event.directory, second_event.with_name("1"))
    shutil.copytree(event.observed, second_event / "records")
    (second_event.with_name("results")).mkdir()
    found = find_events(second_event.parent)
    assert [one.name for one in found] == ["1", "2"]
    assert not found[1].observed.exists()


def test_gse2_is_named_whatever_its_name_says(event: Event) -> None:
    trace = changed(lambda data: np.round(1e9 * data).astype(np.int32))
    write(event, trace, "b.sac", "GSE2")
    seen = inspect(event, SETTINGS + "amplitude_ratio_limit = 1e12\n")
    (told,) = [one for one in seen.records if one.file == "b.sac"]
    assert told.format == "GSE2"
    assert told.used
