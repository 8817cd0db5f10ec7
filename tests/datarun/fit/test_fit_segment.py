"""Segments fitted on any number of ranks and machines: the same bytes, whole or not at all."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headrace.datarun.errors import DataRunError, EventFileError
from headrace.datarun.events import EventFile
from headrace.datarun.extension import is_fitted
from headrace.datarun.fit import FitOptions, fit_traces
from headrace.datarun.fit.segment import FitRequest, FitSummary, fit_segment
from headrace.ranks import SingleRank
from tests.support.datarun import reference_reader
from tests.support.datarun.thread_ranks import on_ranks

UNLISTED = 3


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All channels of the segment but one; one of them with a narrower range."""
    path = tmp_path_factory.mktemp("settings") / "channels.txt"
    lines = [f"0 2 {c} 100 0 99 16383 none none" for c in range(8) if c not in (UNLISTED, 5)]
    path.write_text("\n".join([*lines, '0 2 5 100 10 80 3000 "" "none"']) + "\n")
    return path


@pytest.fixture(scope="module")
def fitted(segment: Path, channels: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What one rank makes of the segment."""
    target = tmp_path_factory.mktemp("fitted") / "whole.evt"
    fit_segment(FitRequest(segment, target, channels), SingleRank())
    return target.read_bytes()


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_bytes_do_not_depend_on_the_number_of_ranks(
    segment: Path, channels: Path, fitted: bytes, tmp_path: Path, size: int
) -> None:
    request = FitRequest(segment, tmp_path / "out.evt", channels, progress=tmp_path / "progress")
    results = on_ranks(size, lambda ranks: fit_segment(request, ranks))
    assert request.target.read_bytes() == fitted
    assert names(tmp_path) == {"out.evt", "progress"}
    summaries: list[FitSummary] = results
    hits = len(EventFile(segment).read().hits)
    assert {(s.ranks, s.nodes, s.hits, s.bytes) for s in summaries} == {
        (size, 1, hits, len(fitted))
    }
    told = json.loads((tmp_path / "progress").read_text())
    assert (told["stage"], told["hits"], told["done"]) == ("done", hits, hits)


@pytest.mark.parametrize("staged", [False, True], ids=["shared", "staged"])
def test_the_bytes_do_not_depend_on_the_machines(
    segment: Path,
    channels: Path,
    fitted: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    staged: bool,
) -> None:
    hosts = ["n1", "n1", "n2", "n3", "n3", "n3", "n2"]

    def host() -> str:
        return threading.current_thread().name.partition("/")[0]

    monkeypatch.setattr("headrace.datarun.fit.collective.socket.gethostname", host)
    disk = tmp_path / "scratch"
    request = FitRequest(segment, tmp_path / "results/out.evt", channels)
    threads = [f"{name}/{rank}" for rank, name in enumerate(hosts)]

    def work(ranks: object) -> FitSummary:
        own = replace(request, staging=disk / host()) if staged else request
        return fit_segment(own, ranks)  # type: ignore[arg-type]

    results = on_ranks(len(hosts), work, threads)
    assert [r.nodes for r in results] == [3] * 7
    assert request.target.read_bytes() == fitted
    assert names(request.target.parent) == {"out.evt"}
    if staged:
        assert [names(disk / f"n{k}") for k in (1, 2, 3)] == [set()] * 3


def test_every_enclosing_size_is_right_and_the_fits_are_those_of_the_traces(
    segment: Path, fitted: bytes
) -> None:
    before, after = reference_reader.items(segment.read_bytes()), reference_reader.items(fitted)
    seen = {4: 0, 168: 0}
    for old, new in zip(before, after, strict=True):
        if old[4] != 30:
            assert old == new  # all other items pass byte for byte
            continue
        pairs = zip(reference_reader.fragments(old), reference_reader.fragments(new), strict=True)
        for (*stamp, _), (*new_stamp, inner) in pairs:
            assert stamp == new_stamp
            hit = reference_reader.hit(reference_reader.body(inner))
            extension = hit["extension"]
            seen[len(extension)] += 1
            if hit["channel"] == UNLISTED:
                assert extension == b"\4\0\0\0"
                continue
            parsed = reference_reader.extension(extension)
            assert parsed["size"] == 168
            settings = {"low": 10, "high": 80, "saturation": 3000.0} if hit["channel"] == 5 else {}
            trace = np.array([hit["trace"]], np.uint16)
            assert fit_traces(trace, **settings).records.tobytes() == extension  # type: ignore[arg-type]
            assert parsed["pulses"][0][0] <= parsed["pulses"][1][0]
    assert min(seen.values()) > 10


def test_fitting_what_is_fitted_gives_the_same(
    fitted: bytes, channels: Path, tmp_path: Path
) -> None:
    path = tmp_path / "once.evt"
    path.write_bytes(fitted)
    summary = fit_segment(FitRequest(path, path, channels), SingleRank())
    assert path.read_bytes() == fitted
    batch = EventFile(path).read()
    assert int(is_fitted(batch.extensions).sum()) == summary.fitted
    assert summary.double_pulses == int((batch.extensions["p_double"] > 0.5).sum()) > 0


def test_the_double_fit_can_be_left_out_of_a_segment(
    segment: Path, channels: Path, tmp_path: Path
) -> None:
    options = FitOptions(double="never")
    summary = fit_segment(FitRequest(segment, tmp_path / "o.evt", channels, options), SingleRank())
    assert summary.double_pulses == 0 < summary.fitted


def test_events_without_hits_pass_byte_for_byte(
    reference_run: Path, channels: Path, tmp_path: Path
) -> None:
    request = FitRequest(reference_run, tmp_path / "out.evt", channels, on_corrupt="skip")
    for size in (1, 3):
        results = on_ranks(size, lambda ranks: fit_segment(request, ranks))
        assert request.target.read_bytes() == reference_run.read_bytes()
        assert results[0].items == 181


def damaged(segment: Path, path: Path) -> int:
    """A copy with one hit and the last item spoilt; the byte at which the hit starts."""
    data = bytearray(segment.read_bytes())
    offset = int(EventFile(segment).read().hits["offset"][40])
    data[offset + 10] ^= 0x70  # its header length
    path.write_bytes(data[:-7])
    return offset


@pytest.mark.parametrize("size", [1, 3])
def test_damage_is_refused_and_nothing_is_left(
    segment: Path, channels: Path, tmp_path: Path, size: int
) -> None:
    source = tmp_path / "damaged.evt"
    damaged(segment, source)
    whole = tmp_path / "hit.evt"
    whole.write_bytes(source.read_bytes()[: int(EventFile(source, "skip").index["offset"][-1])])
    target = tmp_path / "out.evt"
    target.write_bytes(b"an earlier result")
    for path, what in ((source, "the file ends inside"), (whole, "channel length")):
        request = FitRequest(path, target, channels, progress=tmp_path / "progress")
        errors = on_ranks(size, lambda ranks, r=request: fit_segment(r, ranks))
        for error in errors:
            assert isinstance(error, EventFileError)
            assert what in str(error)
            assert "\n" not in str(error)
        told = json.loads((tmp_path / "progress").read_text())
        assert (told["stage"], told["error"]) == ("failed", str(errors[0]))
    assert target.read_bytes() == b"an earlier result"
    assert names(tmp_path) == {"damaged.evt", "hit.evt", "out.evt", "progress"}


def test_damage_is_left_out_and_listed_if_asked(
    segment: Path, channels: Path, tmp_path: Path
) -> None:
    source = tmp_path / "damaged.evt"
    offset = damaged(segment, source)
    results = []
    for size in (1, 2, 5):
        target = tmp_path / f"{size}.evt"
        request = FitRequest(source, target, channels, on_corrupt="skip")
        summary = on_ranks(size, lambda ranks, r=request: fit_segment(r, ranks))[0]
        assert summary.problems == 2
        assert summary.first_problems[0].startswith(f"byte {offset}: ")
        results.append(target.read_bytes())
    assert results[0] == results[1] == results[2]
    assert len(EventFile(target, "skip")) == len(EventFile(segment)) - 1


def test_what_a_killed_attempt_left_behind_is_removed(
    segment: Path, channels: Path, fitted: bytes, tmp_path: Path
) -> None:
    (tmp_path / ".out.evt.tmp").write_bytes(b"half")
    (tmp_path / ".out.evt.2.tmp").write_bytes(b"half of it")
    (tmp_path / ".other.evt.tmp").write_bytes(b"somebody else's")
    staging = tmp_path / "scratch"
    request = FitRequest(segment, tmp_path / "out.evt", channels, staging=staging)
    staging.mkdir()
    fit_segment(request, SingleRank())
    assert request.target.read_bytes() == fitted
    assert names(tmp_path) == {"out.evt", ".other.evt.tmp", "scratch"}
    assert names(staging) == set()


def test_errors_are_one_line_on_every_rank(segment: Path, channels: Path, tmp_path: Path) -> None:
    good = FitRequest(segment, tmp_path / "out.evt", channels)
    (tmp_path / "file").write_text("")
    cases = [
        (replace(good, source=tmp_path / "missing.evt"), "missing.evt: no such file"),
        (replace(good, channels=tmp_path / "none.txt"), "none.txt: cannot be read"),
        (replace(good, target=tmp_path), "is a directory"),
        (replace(good, target=tmp_path / "file/out.evt"), "file"),
        (replace(good, staging=tmp_path / "file/scratch"), "file"),
        (replace(good, options=FitOptions("template")), "line 1: crate 0 slot 2 channel 0 has no"),
        (replace(good, progress=tmp_path / "nowhere/progress"), "nowhere"),
    ]
    for request, what in cases:
        for size in (1, 2):
            for error in on_ranks(size, lambda ranks, r=request: fit_segment(r, ranks)):
                assert isinstance(error, DataRunError)
                assert what in str(error)
                assert "\n" not in str(error)
    assert names(tmp_path) == {"file"}


def test_a_full_disk_is_told_before_anything_is_fitted(
    segment: Path, channels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 5

    monkeypatch.setattr("headrace.datarun.fit.storage.shutil.disk_usage", lambda _: Full)
    with pytest.raises(DataRunError, match=r"are needed, 0\.00 GB are free"):
        fit_segment(FitRequest(segment, tmp_path / "out.evt", channels), SingleRank())
    assert names(tmp_path) == set()
