"""A watch comes back by itself from all that takes its directory or its events away."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import Problem, Started, Watching, read_ledger
from headrace.triggers.event_probe import EventProbe
from tests.support.triggers.mounted_disk import MountedDisk
from tests.support.triggers.trigger_watch import (
    MemoryRunClient,
    make_event,
    make_trigger,
    watching,
)

HOURS = 10_000.0


@pytest.fixture(params=["both", "poll"])
def observer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[MountedDisk]:
    disk = MountedDisk(tmp_path / "incoming", tmp_path / "aside")
    yield disk
    disk.close()


def test_a_disk_that_is_unmounted_and_mounted_again_keeps_what_it_had(
    tmp_path: Path, disk: MountedDisk, observer: str
) -> None:
    trigger = make_trigger(tmp_path, observer=observer)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        make_event(trigger.directory / "first")
        watch.wait_for(Started)
        for number in range(3):
            disk.detach()
            watch.wait_for(Watching, 2 * number + 2)
            make_event(disk.aside / f"while_away_{number}")
            disk.attach()
            watch.wait_for(Watching, 2 * number + 3)
            make_event(trigger.directory / f"after_{number}")
            watch.wait_for(Started, 2 * number + 3)
    names = [f"{when}_{number}" for when in ("after", "while_away") for number in range(3)]
    assert client.names == sorted([*names, "first"])
    assert all(record.present for record in read_ledger(tmp_path / "ledger.db"))


def test_a_directory_that_may_not_be_read_for_a_while_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, observer: str
) -> None:
    trigger = make_trigger(tmp_path, observer=observer)
    client = MemoryRunClient()
    real, closed = os.open, []

    def opened(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if closed and path == trigger.directory:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags, *rest, **named)

    monkeypatch.setattr("headrace.triggers.watched_directory.os.open", opened)
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        make_event(trigger.directory / "first")
        watch.wait_for(Started)
        closed.append(True)
        make_event(trigger.directory / "second")
        while "Permission denied; waiting until" not in watch.wait_for(Problem)[-1].message:
            pass
        closed.clear()
        watch.wait_for(Started, 2)
    assert client.names == ["first", "second"]
    assert all(record.present for record in read_ledger(tmp_path / "ledger.db"))


def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.triggers.watched_directory.file_system", lambda place: "newfs")


def test_an_unknown_file_system_that_reports_events_is_followed_by_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown(monkeypatch)
    trigger = make_trigger(tmp_path, observer="auto", interval=HOURS, settle=0.1)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        assert watch.wait_for(Watching)[0].observer == "inotify"
        make_event(trigger.directory / "event")
        watch.wait_for(Started)
    assert client.names == ["event"], "the probe is no arrival"
    assert [path.name for path in trigger.directory.iterdir()] == ["event"]


def test_an_unknown_file_system_that_reports_none_is_scanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown(monkeypatch)
    monkeypatch.setattr(EventProbe, "receive", lambda self, name, change: None)
    monkeypatch.setattr(EventProbe.sees_events, "__defaults__", (0.05,))
    trigger = make_trigger(tmp_path, observer="auto")
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        assert watch.wait_for(Watching)[0].observer == "poll"
        assert "no event comes when a file is made there" in watch.wait_for(Problem)[0].message
        make_event(trigger.directory / "event")
        watch.wait_for(Started)
    assert client.names == ["event"]


def test_where_nothing_can_be_written_nothing_is_probed(tmp_path: Path) -> None:
    assert EventProbe(lambda name, change: None).sees_events(tmp_path / "none") is None
