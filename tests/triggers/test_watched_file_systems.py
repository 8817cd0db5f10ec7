"""Watched directories that go away, and file systems that report little or nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from headrace.triggers import Problem, Started, Watching, read_ledger
from tests.support.triggers.trigger_watch import MemoryRunClient, make_event, make_trigger, watching


@pytest.fixture(params=["inotify", "poll"])
def observer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_watched_directory_that_is_gone_is_waited_for(tmp_path: Path, observer: str) -> None:
    trigger = make_trigger(tmp_path, observer=observer)
    client = MemoryRunClient()
    make_event(trigger.directory / "event")
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Started)
        trigger.directory.rename(tmp_path / "unmounted")
        problem = watch.wait_for(Problem)[0]
        assert "\n" not in problem.message
        assert str(trigger.directory) in problem.message
        make_event(tmp_path / "unmounted" / "late")
        (tmp_path / "unmounted").rename(trigger.directory)
        watch.wait_for(Watching, 2)
        watch.wait_for(Started, 2)
    assert client.names == ["event", "late"], "what was there before did not arrive again"


def test_an_empty_mount_point_does_not_make_all_arrive_again(tmp_path: Path, observer: str) -> None:
    trigger = make_trigger(tmp_path, observer=observer)
    client = MemoryRunClient()
    make_event(trigger.directory / "event")
    for _ in range(2):
        with watching([trigger], tmp_path / "ledger.db", client) as watch:
            watch.wait_for(Watching)
            if not client.runs:
                watch.wait_for(Started)
            trigger.directory.rename(tmp_path / "disk")
            trigger.directory.mkdir()
            watch.wait_for(Watching, 2)
            trigger.directory.rmdir()
            (tmp_path / "disk").rename(trigger.directory)
            watch.wait_for(Watching, 3)
            sign = make_event(trigger.directory / f"sign_{len(client.runs)}")
            watch.wait_for(Started, name=sign.name)
    assert client.names == ["event", "sign_1", "sign_2"]


def test_lost_hints_cost_time_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an overflow of the system's queue of events."""

    class Silent:
        def __init__(self, directory: Path, changed: object) -> None:
            pass

        def close(self) -> None:
            pass

        def watch(self, name: str, location: Path, scope: object) -> bool:
            return True

        def unwatch(self, name: str) -> None:
            pass

    monkeypatch.setattr("headrace.triggers.directory_attachment.ChangeNotifier", Silent)
    trigger = make_trigger(tmp_path, observer="inotify")
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        make_event(trigger.directory / "event")
        watch.wait_for(Started)
        shutil.rmtree(trigger.directory / "event")
        make_event(trigger.directory / "other")
        watch.wait_for(Started, 2)
    assert client.names == ["event", "other"]
    assert [record.present for record in read_ledger(tmp_path / "ledger.db")] == [False, True]


def test_without_inotify_it_polls_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(directory: Path, changed: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("headrace.triggers.directory_attachment.ChangeNotifier", refuse)
    trigger = make_trigger(tmp_path, observer="inotify")
    with watching([trigger], tmp_path / "ledger.db", MemoryRunClient()) as watch:
        assert watch.wait_for(Watching)[0].observer == "poll"
        assert "max_user_watches" in watch.wait_for(Problem)[0].message
        make_event(trigger.directory / "event")
        watch.wait_for(Started)


def test_where_inodes_do_not_last_only_what_was_seen_gone_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "headrace.triggers.watched_directory.file_system", lambda directory: "fuse.sshfs"
    )
    trigger = make_trigger(tmp_path)
    client = MemoryRunClient()
    event = make_event(trigger.directory / "event")
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        assert watch.wait_for(Watching)[0].observer == "poll"
        watch.wait_for(Started)
    event.rename(tmp_path / "old")
    make_event(event)
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        sign = make_event(trigger.directory / "sign")
        watch.wait_for(Started, name=sign.name)
        shutil.rmtree(event)
        make_event(trigger.directory / "sign_2")
        watch.wait_for(Started, name="sign_2")
        make_event(event)
        watch.wait_for(Started, name="event")
    assert client.names == ["event", "event", "sign", "sign_2"]
