"""Changes of ledgers and files are seen at the next look, whoever wrote them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.ledger_file.access import connect
from headrace.project import load_project
from headrace.triggers.state_files import ledger_file
from headrace.web.changes.local_files import LocalChanges

ALL = {"triggers", "campaigns", "heartbeats", "facility", "notifications", "project", "inversion"}


@pytest.fixture
def changes(web_root: Path) -> LocalChanges:
    (web_root / ".headrace").mkdir()
    made = LocalChanges(lambda: load_project(web_root), "local")
    made.look(ALL)
    return made


def test_nothing_changes_where_nothing_does(changes: LocalChanges) -> None:
    assert changes.look(ALL) == set()
    assert changes.look(ALL) == set()


def test_a_ledger_is_written(changes: LocalChanges, web_root: Path) -> None:
    path = ledger_file(load_project(web_root), "local")
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = connect(path)
    writer.execute("CREATE TABLE arrivals (name TEXT)")
    assert changes.look(ALL) == {"triggers"}
    assert changes.look(ALL) == set()
    writer.execute("INSERT INTO arrivals VALUES ('one')")
    assert changes.look(ALL) == {"triggers"}
    writer.close()
    path.unlink()
    path.write_bytes(b"no ledger")
    assert changes.look(ALL) == {"triggers"}
    changes.close()


def test_files_of_the_project_are_written(changes: LocalChanges, web_root: Path) -> None:
    (web_root / "triggers").mkdir()
    assert changes.look(ALL) == {"triggers", "project"}
    (web_root / ".headrace" / "heartbeats").mkdir()
    assert changes.look(ALL) == {"heartbeats", "facility"}
    (web_root / "headrace.toml").write_text("name = ")
    assert "project" in changes.look(ALL)
    assert changes.look(ALL) == set()


def test_files_that_a_page_names(changes: LocalChanges, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    changes.name("inversion", [state])
    assert changes.look(ALL) == set()
    state.write_text("1")
    assert changes.look({"runs"}) == set(), "nobody looks at it"
    assert changes.look(ALL) == {"inversion"}
    os.utime(state, (1, 1))
    assert changes.look(ALL) == {"inversion"}
    for number in range(1000):
        changes.name(f"topic {number}", [state])
    assert changes.look({"inversion"}) == set(), "forgotten, and no error"
