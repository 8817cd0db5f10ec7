"""When an arrival counts as complete, on a clock that the test moves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.triggers.completeness.marker import marker_path
from headrace.triggers.completeness.quiescence import QuiescenceTracker
from headrace.triggers.completeness.snapshot import Snapshot, take_snapshot
from headrace.triggers.ignored_names import is_temporary_name, may_be_arrival


@pytest.mark.parametrize(
    "name",
    [
        *(".trace.dat.Xa81bQ", ".~tmp~", ".rsync-partial", "a.part", "a.partial", "a.filepart"),
        *("a.tmp", "a.TEMP", "a.crdownload", ".in.a", ".headrace-7f-a", ".a.1b2c3d4e.partial"),
    ],
)
def test_names_of_what_is_being_written(name: str) -> None:
    assert is_temporary_name(name)
    assert not is_temporary_name(name, ignore=["*"])
    assert not may_be_arrival(name)


@pytest.mark.parametrize(
    "name",
    ["a~", ".#a", "#a#", ".a.swp", "a.swp", ".nfs000123", "~$a.doc", ".hidden", "lost+found"],
)
def test_names_that_are_left_behind(name: str) -> None:
    assert not is_temporary_name(name)
    assert not may_be_arrival(name)


@pytest.mark.parametrize("name", ["event_001", "run-7.root", "a.partition", "template", "t.m.p"])
def test_names_of_data(name: str) -> None:
    assert not is_temporary_name(name)
    assert may_be_arrival(name)


def test_pattern_and_ignore_choose_arrivals() -> None:
    assert may_be_arrival("run_1", "run_*")
    assert not may_be_arrival("Run_1", "run_*")
    assert not may_be_arrival("run_1", "run_*", ["*_1"])


def snapshot(text: str = "a", files: int = 1, unfinished: str = "") -> Snapshot:
    return Snapshot(text.encode(), files, 10, unfinished)


def test_an_arrival_settles_once_it_was_the_same_for_long_enough() -> None:
    settler = QuiescenceTracker(5.0)
    assert settler.quiet_at is None
    assert not settler.update(snapshot(), 100.0, 101.0)
    assert settler.quiet_at == 106.0
    assert not settler.update(snapshot(), 105.9, 106.5)
    assert settler.update(snapshot(), 106.0, 106.5)


def test_a_change_or_a_hint_starts_the_time_again() -> None:
    settler = QuiescenceTracker(5.0)
    settler.update(snapshot("a"), 100.0, 100.0)
    assert not settler.update(snapshot("b"), 106.0, 106.0)
    settler.record_change(108.0)
    assert not settler.update(snapshot("b"), 112.9, 112.9)
    assert settler.update(snapshot("b"), 113.0, 113.0)


def test_a_change_counts_from_its_report_if_a_look_shows_it_soon_after() -> None:
    settler = QuiescenceTracker(8.0)
    settler.update(snapshot("a"), 100.0, 100.0, followed=True)
    settler.record_change(105.0)
    assert not settler.update(snapshot("b"), 105.5, 106.0, followed=True)
    assert settler.quiet_at == 113.0
    assert settler.update(snapshot("b"), 113.0, 113.0, followed=True)


@pytest.mark.parametrize("case", ["late", "unreported", "stale", "not followed"])
def test_a_change_counts_from_the_look_that_shows_it_otherwise(case: str) -> None:
    settler = QuiescenceTracker(8.0)
    settler.update(snapshot("a"), 100.0, 100.0, followed=True)
    if case != "unreported":
        settler.record_change(104.9 if case == "late" else 105.5)
    if case == "stale":
        settler.update(snapshot("a"), 105.6, 105.6, followed=True)
    settler.update(snapshot("b"), 105.9, 106.0, followed=case != "not followed")
    assert settler.quiet_at == 114.0


@pytest.mark.parametrize("waiting", [snapshot(files=0), snapshot(unfinished="x.part")])
def test_nothing_settles_without_files_or_with_temporary_names(waiting: Snapshot) -> None:
    settler = QuiescenceTracker(0.0)
    assert not any(settler.update(waiting, time, time) for time in (1.0, 2.0, 1e6))


def test_a_tree_that_changed_during_the_look_equals_nothing() -> None:
    settler = QuiescenceTracker(0.0)
    assert not any(settler.update(snapshot(""), time, time) for time in (1.0, 2.0, 1e6))


def make_tree(place: Path) -> Path:
    (place / "obs").mkdir(parents=True)
    (place / "obs" / "trace.dat").write_bytes(b"12345")
    (place / "link").symlink_to("/nowhere")
    return place


def test_a_snapshot_counts_files_and_bytes(tmp_path: Path) -> None:
    taken = take_snapshot(make_tree(tmp_path / "event"))
    assert taken.files == 2
    assert taken.size == 5 + len("/nowhere")
    assert taken.equals(take_snapshot(tmp_path / "event"))


@pytest.mark.parametrize("change", ["size", "time", "name", "replaced", "deeper", "removed"])
def test_a_snapshot_differs_after_any_change(tmp_path: Path, change: str) -> None:
    event = make_tree(tmp_path / "event")
    file = event / "obs" / "trace.dat"
    taken = take_snapshot(event)
    before = file.stat()
    if change == "size":
        file.write_bytes(b"123456")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "time":
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    elif change == "name":
        file.rename(file.with_name("other.dat"))
    elif change == "replaced":
        (tmp_path / "new").write_bytes(b"54321")
        os.utime(tmp_path / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
        (tmp_path / "new").rename(file)
    elif change == "deeper":
        (event / "obs" / "deep").mkdir()
    else:
        file.unlink()
    assert not taken.equals(take_snapshot(event))


def test_a_snapshot_finds_temporary_names_at_any_depth(tmp_path: Path) -> None:
    event = make_tree(tmp_path / "event")
    (event / "obs" / "x.part").touch()
    assert take_snapshot(event).unfinished == "obs/x.part"
    assert take_snapshot(event, ignore=("*.part",)).unfinished == ""


def test_a_snapshot_of_what_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        take_snapshot(tmp_path / "event")


def test_where_markers_lie() -> None:
    place = Path("/data/run.dat")
    assert marker_path(place, "DONE", directory=True) == Path("/data/run.dat/DONE")
    assert marker_path(place, "done", directory=False) == Path("/data/run.dat.done")
    assert marker_path(place, ".done", directory=False) == Path("/data/run.dat.done")
