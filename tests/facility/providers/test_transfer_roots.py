"""A transfer under way stays at the directories that its collections showed when it began."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from headrace.facility import CollectionSettings, Settings, find_address, start_facility
from headrace.facility.providers.action_roots import ActionRootTable
from headrace.facility.store.database import Store
from headrace.facility.store.migrations import MIGRATIONS
from headrace.hosted import services_at
from tests.support.repository import EARLIER_STORES
from tests.support.waiting import wait_until

TRANSFER = "https://transfer.actions.globus.org/transfer"
FILES = 400


def copy_flow(here: CollectionSettings, there: CollectionSettings) -> dict[str, Any]:
    item = {"source_path": "/in/", "destination_path": "/out/", "recursive": True}
    body = {"source_endpoint": here.id, "destination_endpoint": there.id, "DATA": [item]}
    copy = {"Type": "Action", "ActionUrl": TRANSFER, "Parameters": body, "WaitTime": 600}
    return {"StartAt": "Copy", "States": {"Copy": {**copy, "ResultPath": "$.copy", "End": True}}}


def killed_midway(start: Callable[[], Any], settings: Settings) -> tuple[Any, str]:
    """A facility that was killed while it copied, and the run."""
    here, there = settings.collections
    source = Path(here.root, "in")
    source.mkdir()
    for number in range(FILES):
        (source / f"{number:04d}").write_bytes(os.urandom(2000))
    facility = start()
    run_id = facility.start(facility.deploy(copy_flow(here, there)), {})
    target = Path(there.root, "out")
    wait_until(lambda: len(list(target.glob("0*"))) > 5, "the first copies")
    os.kill(facility.address.pid, signal.SIGKILL)
    assert len(list(target.glob("0*"))) < FILES
    return facility, run_id


def facility_of(facility: Any) -> Any:
    """The running facility, with its address of now, without changing what it serves."""
    address = find_address(facility.root)
    assert address is not None
    return replace(facility, address=address, services=services_at(address.url, address.token))


def moved(settings: Settings, root: Path) -> Settings:
    here, there = settings.collections
    root.mkdir()
    return replace(settings, collections=(here, replace(there, root=str(root))))


def test_a_transfer_that_was_killed_goes_on_where_it_began(
    start: Callable[[], Any], settings: Settings, tmp_path: Path
) -> None:
    facility, run_id = killed_midway(start, settings)
    elsewhere = tmp_path / "elsewhere"
    start_facility(facility.root, moved(settings, elsewhere))
    assert facility_of(facility).wait(run_id)["status"] == "SUCCEEDED"
    assert len(list(Path(settings.collections[1].root, "out").iterdir())) == FILES
    assert list(elsewhere.iterdir()) == []


def test_another_directory_in_the_place_of_the_first_is_not_filled(
    start: Callable[[], Any], settings: Settings
) -> None:
    facility, run_id = killed_midway(start, settings)
    root = Path(settings.collections[1].root)
    root.rename(root.with_name("unmounted"))
    root.mkdir()
    again = start()
    run = again.wait(run_id)
    assert run["status"] == "FAILED"
    told = str(run["details"])
    assert "another directory than when the task began" in told
    assert str(root) in told
    assert list(root.iterdir()) == []
    assert facility.root.is_dir()


def test_a_root_that_moved_and_is_gone_is_told_with_both_names(
    start: Callable[[], Any], settings: Settings, tmp_path: Path
) -> None:
    facility, run_id = killed_midway(start, settings)
    root = Path(settings.collections[1].root)
    root.rename(root.with_name("unmounted"))
    elsewhere = tmp_path / "elsewhere"
    start_facility(facility.root, moved(settings, elsewhere))
    run = facility_of(facility).wait(run_id)
    assert run["status"] == "FAILED"
    told = str(run["details"])
    assert str(root) in told
    assert str(elsewhere) in told
    assert list(elsewhere.iterdir()) == []


def test_an_action_of_an_earlier_version_has_the_roots_of_today(tmp_path: Path) -> None:
    script = EARLIER_STORES / "version_5.sql"
    database = sqlite3.connect(tmp_path / "facility.db")
    database.executescript(script.read_text())
    [(action,)] = database.execute("SELECT id FROM actions WHERE completion_time IS NULL")
    database.close()
    store = Store(tmp_path / "facility.db")
    try:
        version = store.reader().execute("PRAGMA user_version").fetchone()[0]
        assert version == len(MIGRATIONS)
        known = CollectionSettings("one", "workstation", str(tmp_path))
        seen = ActionRootTable(store).collections(action, [known])
        assert seen["one"].root == tmp_path
        assert seen["one"].identity is None
        with store.transaction() as db:
            ActionRootTable(store).store(db, action, known)
        seen = ActionRootTable(store).collections(action, [replace(known, root="/elsewhere")])
        assert seen["one"].root == tmp_path
        assert seen["one"].identity is not None
    finally:
        store.close()
