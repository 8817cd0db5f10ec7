"""The index of a segment's hits beside what is read without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from headrace.datarun import DataRunError
from headrace.datarun.events import EventFile, HitBatch
from headrace.datarun.extension import counts_as_two
from headrace.datarun.hit_index import build
from headrace.datarun.hit_index.build import build_index
from headrace.datarun.hit_index.index_file import AXES, HitIndex, Stamp, read_index
from headrace.datarun.hit_index.selection import HitFilter, HitKey, chi_square, page_of_hits
from headrace.datarun.hit_index.traces import SegmentChanged, read_traces
from tests.support.datarun.fitted_segments import fitted_segment
from tests.support.datarun.nscldaq import Daq, ddas_hit


@pytest.fixture(scope="module")
def fitted(segment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("fitted") / "run-0007-00-fitted.evt"
    return fitted_segment(segment, target, without=3)


def whole(path: Path) -> HitBatch:
    with EventFile(path) as file:
        return file.read()


def indexed(source: Path, target: Path) -> HitIndex:
    build_index(source, target)
    index = read_index(target)
    assert index is not None
    return index


def make_old(path: Path, seconds: int = 60) -> None:
    """Sets the time of a file back. Its ctime stays young: tests give the time themselves."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - seconds * 1_000_000_000))


def test_every_hit_is_found_with_its_trace_and_fit(fitted: Path, tmp_path: Path) -> None:
    batch = whole(fitted)
    index = indexed(fitted, tmp_path / "index")
    assert index.header.events == batch.events
    assert index.header.hits == len(batch.hits)
    in_order = np.argsort(index.records["number"])
    records = index.records[in_order]
    assert records["number"].tolist() == list(range(len(batch.hits)))
    assert records["event"].tolist() == batch.hits["event"].tolist()
    assert records["energy"].tolist() == batch.hits["energy"].tolist()
    for number, trace in enumerate(read_traces(fitted, index.header, list(records))):
        assert trace.samples.tolist() == batch.trace(number).tolist()
        extension = batch.extensions[number]
        assert (trace.fit is None) == (extension["size"] != 168)
        if trace.fit is not None:
            assert trace.fit == extension


def test_records_say_what_the_fits_say(fitted: Path, tmp_path: Path) -> None:
    batch = whole(fitted)
    index = indexed(fitted, tmp_path / "index")
    two = counts_as_two(
        batch.extensions["p_single"],
        batch.extensions["p_double"],
        batch.extensions["single"]["chi_square"],
        batch.extensions["double"]["chi_square"],
    )
    for channel in index.header.channels:
        number = channel.channel & 15
        mine = (batch.hits["channel"] == number) & (batch.extensions["size"] == 168)
        assert channel.name == f"c0s02ch{number:02d}"
        assert channel.fitted == mine.sum()
        assert channel.two == (mine & two).sum()
    assert {each.channel & 15 for each in index.header.channels if not each.fitted} == {3}


def test_histograms_hold_every_hit_once(fitted: Path, tmp_path: Path) -> None:
    batch = whole(fitted)
    index = indexed(fitted, tmp_path / "index")
    for channel, row in zip(index.header.channels, index.histograms, strict=True):
        mine = batch.hits["channel"] == (channel.channel & 15)
        expected, _ = np.histogram(batch.hits["energy"][mine], AXES[0].edges())
        assert row[: AXES[0].bins].tolist() == expected.tolist()
        fits = batch.extensions[mine & (batch.extensions["size"] == 168)]
        start = AXES[0].bins + AXES[1].bins
        quality, _ = np.histogram(fits["single"]["chi_square"] / 100, AXES[2].edges())
        assert row[start : start + AXES[2].bins].tolist() == quality.tolist()


def test_pieces_give_the_same_index(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = indexed(fitted, tmp_path / "once")
    # Pieces shorter than some ring items, which are then read whole all the same.
    monkeypatch.setattr(build, "_PIECE", 700)
    pieces = indexed(fitted, tmp_path / "pieces")
    assert pieces.header == once.header
    assert pieces.records.tobytes() == once.records.tobytes()
    assert pieces.histograms.tolist() == once.histograms.tolist()


@pytest.mark.parametrize("cuts", [(0, 11, 5000), (1, 40_000, 40_001)])
def test_a_segment_that_grows_is_read_on_from_where_it_was(
    segment: Path, tmp_path: Path, cuts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    content, growing = segment.read_bytes(), tmp_path / "run-0007-00.evt"
    growing.touch()
    read: list[int] = []
    monkeypatch.setattr(
        build.os, "pread", lambda f, n, at, p=os.pread: (read.append(at), p(f, n, at))[1]
    )
    for cut in (*cuts, len(content)):
        with growing.open("r+b") as file:
            file.seek(0, os.SEEK_END)
            file.write(content[file.tell() : cut])
        read.clear()
        index = indexed(growing, tmp_path / "index")
        assert index.header.consumed <= cut
    assert index.header.consumed == len(content)
    # The last look read edges, and what had been added.
    assert sum(at == 0 for at in read) <= 2
    fresh = indexed(segment, tmp_path / "fresh")
    assert index.records.tobytes() == fresh.records.tobytes()
    assert index.histograms.tolist() == fresh.histograms.tolist()
    assert index.header.counts == fresh.header.counts
    assert (index.header.events, index.header.problems) == (fresh.header.events, 0)


def test_another_content_of_the_same_size_is_indexed_anew(fitted: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run-0007-00-fitted.evt"
    shutil.copyfile(fitted, copy)
    first = indexed(copy, tmp_path / "index")
    # Within the tick of a clock the stamp stays; what was young is read again when it is old.
    stamp = first.header.stamp
    assert first.header.young
    later = max(stamp.mtime_ns, stamp.ctime_ns) + 10_000_000_000
    assert first.header.is_of(stamp, stamp.mtime_ns)
    assert not first.header.is_of(stamp, later)

    with copy.open("r+b") as file:
        file.seek(int(first.records["trace"][0]))
        file.write(b"\xff\x3f")
    again = build_index(copy, tmp_path / "index")
    assert again is not None
    assert again.header.stamp != stamp
    with pytest.raises(SegmentChanged, match="has changed"):
        read_traces(copy, first.header, [first.records[0]])
    assert read_traces(copy, again.header, [again.records[0]])[0].samples[0] == 0x3FFF


def test_a_settled_index_is_not_made_again(fitted: Path, tmp_path: Path) -> None:
    stamp = Stamp(1, 2, 3_000_000_000, 3_000_000_000)
    assert not stamp.is_young(9_000_000_000)
    assert stamp.is_young(4_000_000_000)
    index = indexed(fitted, tmp_path / "index")
    assert index.header.is_of(Stamp.of(fitted.stat()), index.header.stamp.mtime_ns)
    assert build_index(fitted, tmp_path / "index") is None or index.header.young


def test_a_segment_cut_short_is_told(fitted: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.evt"
    shutil.copyfile(fitted, copy)
    index = indexed(copy, tmp_path / "index")
    last = index.records[np.argmax(index.records["trace"])]
    with copy.open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(SegmentChanged):
        read_traces(copy, index.header, [last])
    short = indexed(copy, tmp_path / "index")
    assert short.header.consumed <= 1000
    assert short.header.hits < index.header.hits


def test_damage_is_left_out_and_listed(fitted: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.evt"
    content = bytearray(fitted.read_bytes())
    with EventFile(fitted) as file:
        place = int(file.index["offset"][20])
    content[place : place + 4] = b"\xff\xff\xff\xff"
    copy.write_bytes(content)
    index = indexed(copy, tmp_path / "index")
    assert index.header.problems == 1
    assert index.header.first_problems[0].startswith(f"byte {place}: ")
    assert index.header.consumed == len(content)
    assert 0 < index.header.hits < len(whole(fitted).hits)


@pytest.mark.parametrize("version", [11, 12])
def test_files_of_the_acquisition_are_read(tmp_path: Path, version: int) -> None:
    daq = Daq(version)
    hits = [ddas_hit(1, 3, k, 100 + k, 500, list(range(8)), pile_up=k == 1) for k in range(3)]
    items = [
        daq.format(),
        daq.state(1, 42, 0, 1_700_000_000),
        daq.built([(10, 0, daq.hit_item(0, 10, hits[0])), (11, 0, daq.hit_item(0, 11, hits[1]))]),
        daq.built([(20, 0, daq.hit_item(0, 20, hits[2]))]),
        daq.event_count(0, 2),
        daq.state(2, 42, 0, 1_700_000_060, 60_000),
    ]
    source = tmp_path / "run-0042-00.evt"
    source.write_bytes(b"".join(items))
    header = indexed(source, tmp_path / "index").header
    assert (header.run, header.title) == (42, "Beam on target")
    assert (header.begin, header.end) == (1_700_000_000, 1_700_000_060)
    assert (header.events, header.hits, header.problems) == (2, 3, 0)
    assert header.counts == ((10.0, 2),)
    assert [each.name for each in header.channels] == ["c1s03ch00", "c1s03ch01", "c1s03ch02"]
    flags = read_index(tmp_path / "index").records["flags"].tolist()  # type: ignore[union-attr]
    assert flags == [0, 1, 0]


def test_a_real_file_without_hits_is_read(reference_run: Path, tmp_path: Path) -> None:
    header = indexed(reference_run, tmp_path / "index").header
    assert (header.events, header.hits, header.problems) == (174, 0, 0)


def test_pages_go_on_by_key_over_segments(segments: tuple[Path, ...], tmp_path: Path) -> None:
    indexes = {}
    for number, source in enumerate(segments):
        target = fitted_segment(source, tmp_path / f"{number}.evt")
        indexes[number] = indexed(target, tmp_path / f"{number}.idx")
    channel = indexes[0].header.channels[0].channel
    for wanted in (HitFilter(channel), HitFilter(channel, 2), HitFilter(channel, 1, 0.8, 1.1)):
        expected = []
        for segment, index in indexes.items():
            for record in index.of_channel(channel):
                value = float(chi_square(np.array([record]))[0])
                is_in = wanted.low is None or wanted.low <= value <= (wanted.high or 0)
                if wanted.pulses in (None, int(record["pulses"])) and is_in:
                    expected.append(HitKey(segment, int(record["number"])))
        assert expected
        walked, page = [], page_of_hits(indexes, wanted, size=7)
        pages = [page]
        while page.older:
            page = page_of_hits(indexes, wanted, after=page.older, size=7)
            pages.append(page)
        walked = [key for page in pages for key, _ in page.hits]
        assert walked == expected
        assert {page.matching for page in pages} == {len(expected)}
        for earlier, later in pairwise(pages):
            assert later.newer is not None
            assert HitKey.parse(str(later.newer)) == later.newer
            back = page_of_hits(indexes, wanted, before=later.newer, size=7)
            assert [key for key, _ in back.hits] == [key for key, _ in earlier.hits]


@pytest.mark.parametrize("text", ["", "1", "a.b", "1.2.3", "-1.2", "1.99999999999", "١.٢"])
def test_what_is_no_key_is_none(text: str) -> None:
    assert HitKey.parse(text) is None


def test_damaged_indexes_are_made_again(fitted: Path, tmp_path: Path) -> None:
    target = tmp_path / "index"
    target.write_bytes(b"HRHITS1\n" + (50).to_bytes(8, "little") + b"{nonsense")
    assert read_index(target) is None
    assert indexed(fitted, target).header.hits


@pytest.mark.service
def test_the_program_makes_an_index_and_tells_what_it_cannot(fitted: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "headrace.datarun.hit_index"]
    done = subprocess.run(
        [*command, fitted, tmp_path / "index"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert read_index(tmp_path / "index") is not None
    failed = subprocess.run(
        [*command, tmp_path / "none.evt", tmp_path / "other"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert failed.stderr == (
        f"hit_index: {tmp_path}/none.evt: cannot be read: No such file or directory\n"
    )


def test_an_index_that_cannot_be_written_is_told(fitted: Path, tmp_path: Path) -> None:
    with pytest.raises(DataRunError, match="No such file or directory"):
        build_index(fitted, tmp_path / "nowhere" / "index")
