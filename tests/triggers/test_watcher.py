"""A running watcher on real directories, fed by the tools that people use."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from headrace.triggers import (
    Incomplete,
    Ledger,
    Problem,
    Removed,
    Seen,
    Started,
    StartFailed,
    Watching,
    read_ledger,
)
from tests.support.triggers.trigger_watch import MemoryRunClient, make_event, make_trigger, watching


@pytest.fixture(params=["inotify", "poll"])
def observer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def copy_in(tool: str, source: Path, target: Path) -> None:
    if tool == "mv":
        source.rename(target)
        return
    if tool == "rsync" and not shutil.which("rsync"):
        pytest.skip("rsync is not installed")
    command = {"cp": ["cp", "-r", str(source), str(target)]}.get(
        tool, ["rsync", "-a", f"{source}/", f"{target}/"]
    )
    subprocess.run(command, check=True)


@pytest.mark.parametrize("tool", ["cp", "rsync", "mv"])
def test_each_directory_copied_in_starts_one_run(tmp_path: Path, tool: str, observer: str) -> None:
    trigger = make_trigger(tmp_path, observer=observer)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        for number in range(5):
            source = make_event(tmp_path / "born" / f"event_{number}")
            copy_in(tool, source, trigger.directory / f"event_{number}")
        watch.wait_for(Started, 5)
    assert client.names == [f"event_{number}" for number in range(5)]
    assert set(client.files.values()) == {6}
    paths = {arrival.path for arrival in client.runs.values()}
    assert paths == {f"/incoming/event_{number}/" for number in range(5)}


def test_files_arrive_too(tmp_path: Path, observer: str) -> None:
    trigger = make_trigger(tmp_path, observer=observer, what="file", pattern="*.dat")
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        (trigger.directory / "notes.txt").touch()
        (trigger.directory / "run_1.dat").write_text("1")
        (trigger.directory / "run_2.dat.part").write_text("2")
        (trigger.directory / ".run_3.dat.Ab12Cd").write_text("3")
        (trigger.directory / "folder.dat").mkdir()
        watch.wait_for(Started, name="run_1.dat")
        (trigger.directory / "run_2.dat.part").rename(trigger.directory / "run_2.dat")
        watch.wait_for(Started, name="run_2.dat")
    assert client.names == ["run_1.dat", "run_2.dat"]
    assert {arrival.path for arrival in client.runs.values()} == {
        "/incoming/run_1.dat",
        "/incoming/run_2.dat",
    }


def test_a_slow_writer_is_waited_for(tmp_path: Path, observer: str) -> None:
    """The writer goes on each time that the watcher has seen its last step and waits."""
    trigger = make_trigger(tmp_path, observer=observer, settle=1.5)
    client = MemoryRunClient()
    target = trigger.directory / "event"
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        target.mkdir()
        watch.wait_for(Seen)
        with (target / "long.dat").open("wb", buffering=0) as long:
            for step in range(1, 7):
                long.write(b"x" * step)
                (target / f"trace_{step}.dat").write_bytes(b"y" * step)
                watch.wait_for(Incomplete, step)
        watch.wait_for(Started)
    assert client.files == {"event": 7}


def test_an_empty_directory_is_no_arrival_yet(tmp_path: Path, observer: str) -> None:
    trigger = make_trigger(tmp_path, observer=observer, settle=0.0)
    with watching([trigger], tmp_path / "ledger.db", MemoryRunClient()) as watch:
        (trigger.directory / "event" / "obs").mkdir(parents=True)
        report = watch.wait_for(Incomplete)[0]
        assert report.missing == "a first file"
        (trigger.directory / "full").mkdir()
        (trigger.directory / "full" / "trace.dat").touch()
        watch.wait_for(Started, name="full")
        assert not watch.of(Started, "event")
        (trigger.directory / "event" / "obs" / "trace.dat").touch()
        watch.wait_for(Started, name="event")


def test_a_temporary_name_holds_its_directory_back(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path, settle=0.0)
    target = make_event(tmp_path / "born")
    (target / "obs" / ".trace_9.dat.Xa81bQ").write_text("half")
    target.rename(trigger.directory / "event")
    with watching([trigger], tmp_path / "ledger.db", MemoryRunClient()) as watch:
        report = watch.wait_for(Incomplete)[0]
        assert report.missing == "obs/.trace_9.dat.Xa81bQ to be finished"
        folder = trigger.directory / "event" / "obs"
        (folder / ".trace_9.dat.Xa81bQ").rename(folder / "trace_9.dat")
        watch.wait_for(Started)


@pytest.mark.parametrize("what", ["directory", "file"])
def test_a_marker_decides_alone(tmp_path: Path, observer: str, what: str) -> None:
    trigger = make_trigger(tmp_path, observer=observer, what=what, marker="DONE", settle=0.0)
    client = MemoryRunClient()
    place = trigger.directory
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        if what == "directory":
            make_event(place / "event")
            marker = place / "event" / "DONE"
        else:
            (place / "event").write_text("data")
            marker = place / "event.DONE"
        report = watch.wait_for(Incomplete)[0]
        assert report.missing == f"the marker {marker.name}"
        marker.touch()
        watch.wait_for(Started)
    assert client.names == ["event"]


def test_what_arrived_while_nobody_watched_is_found(tmp_path: Path, observer: str) -> None:
    trigger = make_trigger(tmp_path, observer=observer)
    client = MemoryRunClient()
    make_event(trigger.directory / "before")
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Started)
    make_event(trigger.directory / "between")
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Started)
        assert len(watch.of(Seen)) == 1
    assert client.names == ["before", "between"]


def test_touching_what_was_started_starts_nothing(tmp_path: Path, observer: str) -> None:
    trigger = make_trigger(tmp_path, observer=observer)
    client = MemoryRunClient()
    target = make_event(trigger.directory / "event")
    for _ in range(2):
        with watching([trigger], tmp_path / "ledger.db", client) as watch:
            if not client.runs:
                watch.wait_for(Started)
            (target / "results").mkdir(exist_ok=True)
            (target / "obs" / "trace_1.dat").write_text("other")
            os.utime(target)
            sign = make_event(trigger.directory / f"sign_{len(client.runs)}")
            watch.wait_for(Started, name=sign.name)
    assert client.names == ["event", "sign_1", "sign_2"]


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("what", ["directory", "file"])
def test_a_replaced_arrival_is_a_new_one(tmp_path: Path, what: str, down: bool) -> None:
    """Replaced by rename, with the same name, size and times of change."""
    trigger = make_trigger(tmp_path, what=what)
    client = MemoryRunClient()
    ledger = tmp_path / "ledger.db"

    def make(place: Path) -> Path:
        if what == "directory":
            make_event(place)
        else:
            place.write_text("data")
        os.utime(place, ns=(0, 10**18))
        return place

    target = make(trigger.directory / "event")

    def replace() -> None:
        new = make(tmp_path / "new")
        if what == "directory":
            target.rename(tmp_path / "old")
        new.rename(target)

    with watching([trigger], ledger, client) as watch:
        watch.wait_for(Started)
        if not down:
            replace()
            watch.wait_for(Started, 2)
    if down:
        replace()
        with watching([trigger], ledger, client) as watch:
            watch.wait_for(Started)
    assert [record.generation for record in read_ledger(ledger)] == [1, 2]
    assert len(client.runs) == 2


def test_the_same_directory_brought_back_is_a_new_arrival(tmp_path: Path, observer: str) -> None:
    trigger = make_trigger(tmp_path, observer=observer)
    client = MemoryRunClient()
    target = make_event(trigger.directory / "event")
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Started)
        target.rename(tmp_path / "away")
        sign = make_event(trigger.directory / "sign")
        watch.wait_for(Started, name=sign.name)
        (tmp_path / "away").rename(target)
        watch.wait_for(Started, 2, name="event")
    assert client.names == ["event", "event", "sign"]


def test_what_goes_away_before_it_is_complete_is_forgotten(tmp_path: Path, observer: str) -> None:
    trigger = make_trigger(tmp_path, observer=observer, settle=60.0)
    with watching([trigger], tmp_path / "ledger.db", MemoryRunClient()) as watch:
        target = make_event(trigger.directory / "event")
        watch.wait_for(Incomplete)
        shutil.rmtree(target)
        watch.wait_for(Removed)
    assert [record.state for record in read_ledger(tmp_path / "ledger.db")] == ["removed"]


def test_failed_starts_are_told_and_tried_again(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path)
    client = MemoryRunClient()
    failures = iter([ConnectionError("no route\nto host"), TimeoutError()])
    client.fail = lambda moment: next(failures, None) if moment == "before" else None
    make_event(trigger.directory / "event")
    with watching([trigger], tmp_path / "ledger.db", client, initial_delay=0.05) as watch:
        watch.wait_for(Started)
        told = watch.of(StartFailed)
    assert [(event.reason, event.attempts, event.retry_in) for event in told] == [
        ("no route to host", 1, 0.05),
        ("TimeoutError", 2, 0.1),
    ]
    assert len(client.asked) == 2, "looked for a run before it was started again"


def test_a_lost_answer_does_not_start_a_second_run(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path)
    client = MemoryRunClient()
    failures = iter([ConnectionResetError("lost")])
    searches = iter([TimeoutError("search is down")])
    iterators = {"after": failures, "find": searches}
    client.fail = lambda moment: next(iterators.get(moment, iter(())), None)
    make_event(trigger.directory / "event")
    with watching([trigger], tmp_path / "ledger.db", client, initial_delay=0.05) as watch:
        started = watch.wait_for(Started)[0]
    assert started.found
    assert len(client.runs) == 1


def test_a_failed_start_survives_a_restart_and_the_arrival_may_be_gone(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path)
    client = MemoryRunClient()
    client.fail = lambda moment: ConnectionError("down")
    for name in ("kept", "lost"):
        make_event(trigger.directory / name)
    with watching([trigger], tmp_path / "ledger.db", client, initial_delay=60.0) as watch:
        watch.wait_for(StartFailed, 2)
    shutil.rmtree(trigger.directory / "lost")
    client.fail = lambda moment: None
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Started)
        watch.wait_for(Removed)
    assert client.names == ["kept"]


def test_a_name_that_no_input_can_say_is_told(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path)
    (trigger.directory / os.fsdecode(b"bad\xff")).mkdir()
    with watching([trigger], tmp_path / "ledger.db", MemoryRunClient()) as watch:
        assert "rename it" in watch.wait_for(Problem)[0].message
        assert not watch.of(Seen)


def test_a_full_disk_under_the_ledger_is_told_and_outlived(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path)
    client = MemoryRunClient()
    watch_events = threading.Event()

    class Full(Ledger):
        def mark_started(self, id_: int, run_id: str, *, followed: bool = True):  # type: ignore[no-untyped-def]
            if not watch_events.is_set():
                watch_events.set()
                raise OSError(28, "No space left on device")
            return super().mark_started(id_, run_id, followed=followed)

    make_event(trigger.directory / "event")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.support.triggers.trigger_watch.Ledger", Full)
        with watching([trigger], tmp_path / "ledger.db", client) as watch:
            assert "No space left" in watch.wait_for(Problem)[0].message
            assert watch.wait_for(Started)[0].found
    assert len(client.runs) == 1


def test_two_triggers_on_one_directory_start_two_runs(tmp_path: Path) -> None:
    triggers = [make_trigger(tmp_path), make_trigger(tmp_path, name="archive")]
    client = MemoryRunClient()
    make_event(triggers[0].directory / "event")
    with watching(triggers, tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Started, 2)
    assert client.names == ["event", "event"]
    assert {arrival.trigger for arrival in client.runs.values()} == {"new_event", "archive"}


def test_a_burst_of_files_starts_as_many_runs(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path, what="file")
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        for number in range(300):
            (trigger.directory / f"run_{number}").write_text("data")
        watch.wait_for(Started, 300)
    assert len(client.runs) == 300


def test_a_copy_that_is_never_finished_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.triggers.completeness.quiescence._UNFINISHED_COPY_AFTER", 0.1)
    trigger = make_trigger(tmp_path, settle=0.0)
    (make_event(trigger.directory / "event") / "long.dat.part").touch()
    with watching([trigger], tmp_path / "ledger.db", MemoryRunClient()) as watch:
        problem = watch.wait_for(Problem)[0]
        assert "event/long.dat.part: looks like an unfinished copy" in problem.message
    ignoring = make_trigger(tmp_path, settle=0.0, ignore=("*.part",))
    with watching([ignoring], tmp_path / "ledger.db", MemoryRunClient()) as watch:
        watch.wait_for(Started)
