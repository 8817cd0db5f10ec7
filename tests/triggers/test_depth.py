"""Arrivals that lie some levels below the watched directory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from headrace.triggers import (
    Problem,
    Started,
    TriggerError,
    Watching,
    find_arrival,
    load_trigger,
    read_ledger,
    render_input,
)
from tests.support.triggers.trigger_watch import (
    MemoryRunClient,
    make_event,
    make_trigger,
    watching,
)

HOURS = 10_000.0


@pytest.fixture(params=["inotify", "poll"])
def observer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def paths(client: MemoryRunClient) -> list[str]:
    return sorted(arrival.path for arrival in client.runs.values())


def test_what_lies_at_that_level_arrives_and_nothing_else(tmp_path: Path, observer: str) -> None:
    trigger = make_trigger(tmp_path, depth=3, observer=observer, existing="run")
    top = trigger.directory
    make_event(top / "2026" / "day_1" / "event")
    make_event(top / ".hidden" / "day_1" / "event")
    (top / "2026" / "file").touch()
    (top / "link").symlink_to(top / "2026")
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Started)
        make_event(top / "2026" / "day_1" / "other")
        make_event(top / "2027" / "day_2" / "event")
        watch.wait_for(Started, 3)
    assert paths(client) == [
        "/incoming/2026/day_1/event/",
        "/incoming/2026/day_1/other/",
        "/incoming/2027/day_2/event/",
    ]
    inputs = [
        render_input("{parent2} {parent} {name} {folder}", arrival)
        for arrival in client.runs.values()
    ]
    assert sorted(inputs)[-1] == "2027 day_2 event /incoming/2027/day_2/"
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        make_event(top / "2026" / "day_1" / "sign")
        watch.wait_for(Started)
    assert len(paths(client)) == 4, "none has a second run after the watch began again"


def test_new_directories_between_are_followed_by_events(tmp_path: Path) -> None:
    """The next scan is hours away."""
    trigger = make_trigger(
        tmp_path, what="file", depth=2, interval=HOURS, settle=0.1, observer="inotify"
    )
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        (trigger.directory / "a").mkdir()
        (trigger.directory / "a" / "one").touch()
        watch.wait_for(Started)
        (trigger.directory / "a" / "two").touch()
        watch.wait_for(Started, 2)
        (tmp_path / "moved").mkdir()
        (tmp_path / "moved" / "three").touch()
        (tmp_path / "moved").rename(trigger.directory / "b")
        watch.wait_for(Started, 3)
        shutil.rmtree(trigger.directory / "a")
        (trigger.directory / "a").mkdir()
        (trigger.directory / "a" / "four").touch()
        watch.wait_for(Started, 4)
        (trigger.directory / "b").rename(trigger.directory / "c")
        (trigger.directory / "c" / "five").touch()
        watch.wait_for(Started, name="five")
    assert "/incoming/c/five" in paths(client)


def test_a_marker_of_a_file_that_lies_deeper(tmp_path: Path, observer: str) -> None:
    trigger = make_trigger(tmp_path, what="file", depth=2, marker="done", observer=observer)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        (trigger.directory / "a").mkdir()
        (trigger.directory / "a" / "run.dat").touch()
        (trigger.directory / "a" / "run.dat.done").touch()
        watch.wait_for(Started)
    assert paths(client) == ["/incoming/a/run.dat"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_directory_that_cannot_be_read_for_a_while_takes_nothing_away(
    tmp_path: Path, observer: str
) -> None:
    check_unreadable(tmp_path, observer, lambda place, mode: place.chmod(mode))


def test_a_directory_that_fails_to_be_read_for_a_while_takes_nothing_away(
    tmp_path: Path, observer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open
    closed = []

    def opened(path: object, flags: int, *rest: object, **named: object) -> int:
        if closed and path == "a" and named.get("dir_fd") is not None:
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("headrace.triggers.watched_directory.os.open", opened)

    def change(place: Path, mode: int) -> None:
        closed[:] = [] if mode else [1]

    check_unreadable(tmp_path, observer, change)


def check_unreadable(tmp_path: Path, observer: str, change: object) -> None:
    trigger = make_trigger(tmp_path, depth=2, observer=observer)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        make_event(trigger.directory / "a" / "event")
        watch.wait_for(Started)
        change(trigger.directory / "a", 0)  # type: ignore[operator]
        (problem,) = watch.wait_for(Problem)
        assert "a: Permission denied; what lies in it is taken to be there still" in problem.message
        make_event(trigger.directory / "b" / "sign")
        watch.wait_for(Started, 2)
        change(trigger.directory / "a", 0o755)  # type: ignore[operator]
        make_event(trigger.directory / "a" / "late")
        watch.wait_for(Started, 3)
    assert paths(client) == ["/incoming/a/event/", "/incoming/a/late/", "/incoming/b/sign/"]
    assert all(record.present for record in read_ledger(tmp_path / "ledger.db"))


def test_an_arrival_is_found_by_its_path_at_that_level_alone(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path, depth=2)
    event = make_event(trigger.directory / "a" / "event")
    named = find_arrival(trigger, event, tmp_path / "ledger.db")
    assert named.arrival.path == "/incoming/a/event/"
    assert dict(named.arrival.texts) == {"parent": "a"}
    for path in (event.parent, event / "obs"):
        with pytest.raises(TriggerError, match="at depth 2, where arrivals"):
            find_arrival(trigger, path, tmp_path / "ledger.db")


@pytest.mark.parametrize(
    ("watch", "start", "message"),
    [
        ("depth = 0", "", "watch.depth: must be a whole number of at least 1"),
        ("depth = 9", "", "watch.depth: is at most 8"),
        ("depth = 2", 'label = "{parent2}"', "unknown placeholder {parent2}; did you mean"),
        ("", 'label = "{parent}"', "unknown placeholder {parent}"),
        ("depth = 2\nregex = '(?P<parent>a)'", "", "{parent} is a placeholder already"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, watch: str, start: str, message: str) -> None:
    (tmp_path / "t.toml").write_text(
        f'[watch]\ncollection = "c"\npath = "/"\n{watch}\n[start]\nflow = "f"\n{start}\n'
    )
    with pytest.raises(TriggerError) as told:
        load_trigger(tmp_path / "t.toml", {"c": tmp_path})
    assert message in str(told.value)
