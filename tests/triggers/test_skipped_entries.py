"""What lies in a directory before it is watched, skipped in several transactions."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import Ledger, Started, Watcher, Watching, read_ledger
from headrace.triggers import ledger as ledger_module
from headrace.triggers.arrival_table import record_skipped
from tests.support.triggers.trigger_watch import (
    MemoryRunClient,
    make_event,
    make_trigger,
    watching,
)

NAMES = ["a", "b", "c", "d", "e"]


class Killed(BaseException):
    """Stands for a kill between two transactions."""


def kill_after(monkeypatch: pytest.MonkeyPatch, transactions: int) -> None:
    """Has the watch end before one more portion is written, each of two entries."""
    written = []

    def record(*arguments: Any) -> None:
        if len(written) == transactions:
            raise Killed
        written.append(1)
        record_skipped(*arguments)

    monkeypatch.setattr(ledger_module, "_SKIPPED_AT_ONCE", 2)
    monkeypatch.setattr(ledger_module, "record_skipped", record)


@pytest.mark.parametrize("existing", ["skip", "", "run"])
def test_a_kill_while_they_are_skipped_decides_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: Any
) -> None:
    trigger = make_trigger(tmp_path, existing="skip", settle=0.0)
    for name in NAMES:
        make_event(trigger.directory / name)
    path, client = tmp_path / "ledger.db", MemoryRunClient()
    with monkeypatch.context() as patched, Ledger(path) as opened:
        kill_after(patched, 2)
        watcher = Watcher([trigger], opened, client, lambda event: None)
        with pytest.raises(Killed):
            watcher.run(threading.Event())
    assert [record.state for record in read_ledger(path)] == ["skipped"] * 4
    with watching([replace(trigger, existing=existing)], path, client) as watch:
        watch.wait_for(Watching)
        make_event(trigger.directory / "new")
        watch.wait_for(Started, name="new")
        if existing == "run":
            watch.wait_for(Started, 6)
    assert client.names == (sorted([*NAMES, "new"]) if existing == "run" else ["new"])
    with Ledger(path) as ledger:
        where = (trigger.name, trigger.collection, trigger.path)
        (root,) = {record.root for record in ledger.records()}
        assert ledger.has_root(*where, root)
        assert not ledger.is_skipping(*where, root)
