"""A watched directory in which very much lies already."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.triggers import Seen, Started, read_ledger
from tests.support.triggers.trigger_watch import MemoryRunClient, make_trigger, watching


def test_the_first_runs_start_while_the_others_are_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.triggers.entry_index._AT_A_TIME", 2)
    trigger = make_trigger(tmp_path, what="file", settle=0.0, observer="poll", existing="run")
    names = [f"file_{number:03}" for number in range(400)]
    for name in names:
        (trigger.directory / name).touch()
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Started, len(names))
        kinds = [type(event) for event in watch.events if isinstance(event, Seen | Started)]
    assert kinds.index(Started) < len(kinds) - 1 - kinds[::-1].index(Seen)
    assert client.names == names
    assert [record.state for record in read_ledger(tmp_path / "ledger.db")] == ["started"] * 400


def test_not_more_wait_at_a_time_than_memory_is_meant_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.triggers.entry_index._AT_A_TIME", 5)
    monkeypatch.setattr("headrace.triggers.entry_index._MOST", 10)
    monkeypatch.setattr("headrace.triggers.entry_index._PAUSE", 0.001)
    trigger = make_trigger(
        tmp_path, what="file", settle=0.0, observer="poll", existing="run", interval=10_000.0
    )
    for number in range(200):
        (trigger.directory / f"file_{number:03}").touch()
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Started, 200)
        waiting, most = 0, 0
        for event in watch.events:
            waiting += isinstance(event, Seen)
            waiting -= isinstance(event, Started)
            most = max(most, waiting)
    assert most <= 10 + 5 + 1, "one chunk more, and one whose start is under way"
    assert len(client.names) == 200


def test_those_that_wait_for_long_keep_no_others_from_being_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.triggers.entry_index._AT_A_TIME", 5)
    monkeypatch.setattr("headrace.triggers.entry_index._MOST", 10)
    trigger = make_trigger(tmp_path, marker="DONE", observer="poll", existing="run")
    for number in range(60):
        (trigger.directory / f"event_{number:03}").mkdir()
    last = [entry.name for entry in os.scandir(trigger.directory)][-1]
    (trigger.directory / last / "DONE").touch()
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Started)
    assert client.names == [last]
