"""A watched directory in which very much lies already."""

from __future__ import annotations

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
