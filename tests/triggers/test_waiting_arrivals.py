"""Arrivals that wait for something: they are looked at when it comes, not at the next look.

The triggers look at nothing for hours by themselves; without a report no test here ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import Incomplete, Problem, Removed, Seen, Started, Trigger, Watching
from tests.support.triggers.trigger_watch import MemoryRunClient, Watch, make_trigger, watching

HOURS = 10_000.0


@pytest.fixture
def client() -> MemoryRunClient:
    return MemoryRunClient()


def watch_count() -> int:
    """The inotify watches of this process, as the kernel counts them."""
    count = 0
    for info in Path("/proc/self/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += info.read_text().count("inotify wd:")
    return count


def descriptor_count() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def waits_for(watch: Watch, name: str, missing: str) -> None:
    count = 1
    while watch.wait_for(Incomplete, count, name=name)[-1].missing != missing:
        count += 1


def create(marker: Path) -> None:
    marker.touch()


def rename(marker: Path) -> None:
    (marker.parent.parent / ".marker").touch()
    (marker.parent.parent / ".marker").rename(marker)


def link(marker: Path) -> None:
    (marker.parent / "log").touch()
    marker.hardlink_to(marker.parent / "log")


@pytest.mark.parametrize("make", [create, rename, link])
def test_a_marker_that_comes_late_is_seen_when_it_comes(
    tmp_path: Path, client: MemoryRunClient, make: Callable[[Path], None]
) -> None:
    trigger = make_trigger(tmp_path, marker="DONE", interval=HOURS)
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        event = trigger.directory / "event"
        event.mkdir()
        waits_for(watch, "event", "the marker DONE")
        make(event / "DONE")
        watch.wait_for(Started)
    assert client.names == ["event"]


def test_an_arrival_that_waits_is_followed_by_the_next_watcher(
    tmp_path: Path, client: MemoryRunClient
) -> None:
    trigger = make_trigger(tmp_path, marker="DONE", interval=HOURS)
    event = trigger.directory / "event"
    event.mkdir()
    for _ in range(2):
        with watching([trigger], tmp_path / "ledger.db", client) as watch:
            waits_for(watch, "event", "the marker DONE")
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        waits_for(watch, "event", "the marker DONE")
        (event / "DONE").touch()
        watch.wait_for(Started)


def test_an_arrival_is_followed_again_when_its_disk_is_back(
    tmp_path: Path, client: MemoryRunClient
) -> None:
    trigger = make_trigger(tmp_path, marker="DONE", interval=0.2)
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        (trigger.directory / "event").mkdir()
        waits_for(watch, "event", "the marker DONE")
        for times in (2, 3):
            trigger.directory.rename(tmp_path / "unmounted")
            watch.wait_for(Problem, times - 1)
            (tmp_path / "unmounted").rename(trigger.directory)
            watch.wait_for(Watching, times)
            watch.wait_for(Incomplete, times)
        assert watch_count() == 2
        (trigger.directory / "event" / "DONE").touch()
        watch.wait_for(Started)


def fill_nested(event: Path) -> None:
    """Directories that are made while the arrival waits, and a file at the bottom."""
    (event / "a" / "b" / "c").mkdir(parents=True)
    (event / "a" / "b" / "c" / "trace.dat").write_bytes(b"1")


def fill_by_rename(event: Path) -> None:
    """A directory with others in it is moved in."""
    fill_nested(event.parent.parent / "elsewhere")
    (event.parent.parent / "elsewhere" / "a").rename(event / "a")


def fill_within(event: Path) -> None:
    """A directory is renamed within the arrival, and written to afterwards."""
    (event / "empty").rename(event / "full")
    (event / "full" / "trace.dat").write_bytes(b"1")


@pytest.mark.parametrize("fill", [fill_nested, fill_by_rename, fill_within])
def test_what_settles_late_is_looked_at_after_its_last_change(
    tmp_path: Path, client: MemoryRunClient, fill: Callable[[Path], None]
) -> None:
    trigger = make_trigger(tmp_path, settle=0.1, interval=HOURS)
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        event = trigger.directory / "event"
        (event / "empty").mkdir(parents=True)
        waits_for(watch, "event", "a first file")
        fill(event)
        watch.wait_for(Started)
    assert client.files == {"event": 1}


def test_the_end_of_an_unfinished_copy_is_reported(tmp_path: Path, client: MemoryRunClient) -> None:
    trigger = make_trigger(tmp_path, settle=0.1, interval=HOURS)
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        event = trigger.directory / "event"
        (event / "sub").mkdir(parents=True)
        (event / "sub" / "x.part").touch()
        waits_for(watch, "event", "sub/x.part to be finished")
        (event / "sub" / "x.part").rename(event / "sub" / "x")
        watch.wait_for(Started)


def test_the_marker_of_a_file_is_seen_when_it_comes(
    tmp_path: Path, client: MemoryRunClient
) -> None:
    trigger = make_trigger(tmp_path, what="file", marker="done", interval=HOURS)
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        (trigger.directory / "run.dat").touch()
        waits_for(watch, "run.dat", "the marker run.dat.done")
        (trigger.directory / "run.dat.done").touch()
        watch.wait_for(Started)
        assert watch_count() == 1, "the directory's own watch serves its files"


def test_what_no_longer_waits_is_no_longer_watched(tmp_path: Path, client: MemoryRunClient) -> None:
    trigger = make_trigger(tmp_path, settle=HOURS)
    before = watch_count()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        for number in range(3):
            (trigger.directory / f"event_{number}" / "a" / "b").mkdir(parents=True)
            watch.wait_for(Incomplete, name=f"event_{number}")
        wait_until(lambda: watch_count() == before + 1 + 3 * 3)
        shutil.rmtree(trigger.directory / "event_0")
        (trigger.directory / "event_1").rename(trigger.directory / "event_3")
        (trigger.directory / "event_2").rename(tmp_path / "elsewhere")
        watch.wait_for(Removed, 3)
        watch.wait_for(Incomplete, name="event_3")
        wait_until(lambda: watch_count() == before + 1 + 3)
        (trigger.directory / "event_3" / "a").rename(tmp_path / "a")
        wait_until(lambda: watch_count() == before + 1 + 1)
    assert watch_count() == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("inotify")]


def wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(12_000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("did not come true in two minutes")


def run_out(notifier: Any, path: str, mask: int) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("limit", "told"),
    [("kernel", "fs.inotify.max_user_watches"), ("own", "2 directories are watched already")],
)
def test_where_watches_are_used_up_it_looks_again_and_again_and_says_so(
    tmp_path: Path,
    client: MemoryRunClient,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    told: str,
) -> None:
    trigger = make_trigger(tmp_path, interval=0.2)
    if limit == "own":
        monkeypatch.setattr("headrace.triggers.inotify_notifier._MAX_WATCHES", 2)
    before = watch_count()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        if limit == "kernel":
            monkeypatch.setattr("inotify_simple.INotify.add_watch", run_out)
        event = trigger.directory / "event"
        (event / "a" / "b").mkdir(parents=True)
        assert told in watch.wait_for(Problem)[0].message
        assert watch_count() == before + 1, "half of an arrival is not watched"
        (event / "a" / "trace.dat").touch()
        watch.wait_for(Started)
    assert client.names == ["event"]


def test_an_arrival_that_outgrows_the_watches_is_looked_at_again_and_again(
    tmp_path: Path, client: MemoryRunClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.triggers.inotify_notifier._MAX_WATCHES", 2)
    trigger = make_trigger(tmp_path, settle=1.0, interval=0.2)
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        event = trigger.directory / "event"
        (event / "a").mkdir(parents=True)
        watch.wait_for(Incomplete, name="event")
        (event / "a" / "b").mkdir()
        (event / "a" / "b" / "trace.dat").touch()
        assert "are watched already" in watch.wait_for(Problem)[0].message
        watch.wait_for(Started)
    assert client.files == {"event": 1}


def test_on_a_network_file_system_it_looks_again_and_again(
    tmp_path: Path, client: MemoryRunClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.triggers.watched_directory.file_system", lambda place: "nfs4")
    before = watch_count()
    trigger = make_trigger(tmp_path, observer="inotify", marker="DONE", interval=0.2)
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        assert watch.wait_for(Watching)[0].observer == "inotify"
        (trigger.directory / "event").mkdir()
        waits_for(watch, "event", "the marker DONE")
        assert watch_count() == before + 1, "others change it unseen: reports would not suffice"
        (trigger.directory / "event" / "DONE").touch()
        watch.wait_for(Started)


def test_after_reports_were_lost_all_that_waits_is_looked_at(
    tmp_path: Path, client: MemoryRunClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's queue overflows while nobody reads it."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 100_000:
        pytest.skip("the queue of this machine is too long to be filled")
    trigger = make_trigger(tmp_path, marker="DONE", interval=HOURS)
    reading = threading.Event()
    reading.set()
    read = _reader(monkeypatch, reading)
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        event = trigger.directory / "event"
        event.mkdir()
        waits_for(watch, "event", "the marker DONE")
        reading.clear()
        (event / "a").touch()
        (event / "b").touch()
        assert read.wait(120)
        for _ in range(limit):
            (event / "a").rename(event / "b")
            (event / "b").rename(event / "a")
        (event / "DONE").touch()
        late = trigger.directory / "late"
        late.mkdir()
        (late / "DONE").touch()
        reading.set()
        watch.wait_for(Started, 2)
        watch.wait_for(Seen, name="late")
    assert client.names == ["event", "late"]


def test_a_marker_and_a_directory_among_other_changes_are_noticed(
    tmp_path: Path, client: MemoryRunClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is read at once is of one directory."""
    marked = make_trigger(tmp_path / "a", name="marked", marker="DONE", interval=HOURS)
    settling = make_trigger(tmp_path / "b", name="settling", settle=HOURS)
    reading = threading.Event()
    reading.set()
    events = [trigger.directory / trigger.name for trigger in (marked, settling)]
    before = watch_count()
    read = _reader(monkeypatch, reading)
    with watching([marked, settling], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching, 2)
        for event in events:
            event.mkdir()
            watch.wait_for(Incomplete, name=event.name)
        wait_until(lambda: watch_count() == before + 4)
        reading.clear()
        for event in events:
            (event / "first").touch()
        assert read.wait(120)
        for event in events:
            (event / "second").touch()
            (event / "sub").mkdir()
            (event / "DONE").touch()
        reading.set()
        watch.wait_for(Started)
        wait_until(lambda: watch_count() == before + 4)
    assert client.names == ["marked"]


def _reader(monkeypatch: pytest.MonkeyPatch, reading: threading.Event) -> threading.Event:
    """Have events read only while `reading` is set; the result is set once one waits for that."""
    from inotify_simple import INotify

    read, waits = INotify.read, threading.Event()

    def read_later(notifier: INotify, **options: Any) -> Any:
        if not reading.is_set():
            waits.set()
            assert reading.wait(120)
        return read(notifier, **options)

    monkeypatch.setattr(INotify, "read", read_later)
    return waits


def test_many_triggers_end_without_a_thread_left(tmp_path: Path, client: MemoryRunClient) -> None:
    triggers: list[Trigger] = []
    for number in range(5):
        trigger = make_trigger(tmp_path / str(number), name=f"t{number}", settle=HOURS)
        (trigger.directory / "event" / "sub").mkdir(parents=True)
        triggers.append(trigger)
    threads, descriptors = threading.active_count(), descriptor_count()
    for _ in range(3):
        with watching(triggers, tmp_path / "ledger.db", client) as watch:
            watch.wait_for(Incomplete, 5)
        assert threading.active_count() == threads
        assert descriptor_count() == descriptors
