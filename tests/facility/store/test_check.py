"""Damage is found and named, and what can be read is saved; the store itself stays as it is."""

from __future__ import annotations

import gc
import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from headrace.facility.errors import FacilityError
from headrace.facility.store import opening
from headrace.facility.store.check import check_store
from headrace.facility.store.database import Store
from headrace.facility.store.migrations import MIGRATIONS
from headrace.facility.store.opening import note_path, wal_path
from tests.support.facility.scripted_engine import Bench, action_state

PASS = {"A": {"Type": "Pass", "Parameters": {"x": "y" * 300}, "ResultPath": "$.a", "End": True}}
RUNS = 60


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A store with ended runs and one that waits for its action."""
    bench = Bench(tmp_path / "state" / "facility.db")
    for number in range(RUNS):
        bench.start(PASS, {"number": number, "long": "z" * 9000 if number % 20 == 0 else ""})
    bench.ended(bench.start(PASS))
    bench.start({"Ask": action_state(ResultPath="$.r")})
    bench.action()
    bench.close()
    return bench.path


def root_page(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as db:
        row = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    return int(row[0])


def overwrite(path: Path, page: int) -> None:
    with path.open("r+b") as stream:
        stream.seek((page - 1) * 4096)
        stream.write(os.urandom(4096))


def content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_sound_store_is_sound_and_its_copy_too(filled: Path, tmp_path: Path) -> None:
    before = content(filled)
    report = check_store(filled, tmp_path / "copy.db")
    assert report.intact, report.document()
    assert report.runs == RUNS + 2
    assert check_store(tmp_path / "copy.db").intact
    assert content(filled) == before
    assert not list(filled.parent.glob(".check-*"))


@pytest.mark.parametrize("table", ["events", "runs", "definitions", "flows", "actions"])
def test_a_table_whose_root_is_gone_is_saved_from_its_leaves(
    filled: Path, tmp_path: Path, table: str
) -> None:
    with closing(sqlite3.connect(filled)) as db:
        wanted = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        inner = (
            db.execute(
                "SELECT count(*) FROM dbstat WHERE name = ? AND pagetype = 'internal'", (table,)
            ).fetchone()[0]
            if _has_dbstat(db)
            else int(table in ("events", "runs"))
        )
    overwrite(filled, root_page(filled, table))
    before = content(filled)
    copy = tmp_path / "copy.db"
    report = check_store(filled, copy)
    assert not report.intact
    assert content(filled) == before
    if inner:
        assert report.rows[table] == wanted
        bench = Bench(move(copy, tmp_path))
        runs = bench.store.reader().execute("SELECT count(*) FROM runs").fetchone()[0]
        assert runs == RUNS + 2
        bench.action()
        bench.close()
    wal_path(filled).write_bytes(b"\0" * 40)
    with pytest.raises(FacilityError, match="headrace facility check"):
        Store(filled)


def _has_dbstat(db: sqlite3.Connection) -> bool:
    try:
        db.execute("SELECT 1 FROM dbstat LIMIT 1")
    except sqlite3.OperationalError:
        return False
    return True


def move(copy: Path, tmp_path: Path) -> Path:
    target = tmp_path / "new" / "facility.db"
    target.parent.mkdir()
    return copy.rename(target)


def test_a_leaf_that_is_gone_costs_its_own_rows_only(filled: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(filled)) as db:
        rows = db.execute("SELECT count(*) FROM events").fetchone()[0]
    # Pages of events hold some rows each; one in the middle of the file is overwritten.
    data = filled.read_bytes()
    leaves = [
        n + 1
        for n in range(len(data) // 4096)
        if data[n * 4096] == 13 and b"stepped" in data[n * 4096 : (n + 1) * 4096]
    ]
    overwrite(filled, leaves[len(leaves) // 2])
    report = check_store(filled, tmp_path / "copy.db")
    assert any("damaged" in problem for problem in report.problems)
    assert rows - 40 < report.rows["events"] < rows
    assert 0 < len(report.unreadable_runs) <= RUNS + 2


def test_runs_that_do_not_replay_are_named(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as db:
        bad = db.execute("SELECT id, number FROM runs LIMIT 1").fetchone()
        db.execute("UPDATE events SET kind = 'odd' WHERE run = ?", (bad[1],))
        db.commit()
    report = check_store(filled)
    assert [(run_id, "upgrade" in reason) for run_id, reason in report.unreadable_runs] == [
        (bad[0], True)
    ]


def test_an_existing_file_is_never_overwritten(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(FacilityError, match="is there already"):
        check_store(filled, tmp_path / "mine")


def test_a_store_that_works_can_be_looked_at(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "facility.db")
    bench.ended(bench.start(PASS))
    report = check_store(bench.path, tmp_path / "copy.db")
    assert report.intact
    assert report.rows["events"] == 2
    bench.ended(bench.start(PASS))
    bench.close()


def killed(path: Path, target: Path) -> Path:
    """Copies an open store's files as a kill leaves them, with inodes of their own noted."""
    from headrace.facility.store.opening import note_open

    target.mkdir()
    for file in (path, wal_path(path)):
        (target / file.name).write_bytes(file.read_bytes())
    note_open(target / path.name)
    return target / path.name


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A store as a kill leaves it: its last commits are in its log."""
    bench = Bench(tmp_path / "state" / "facility.db")
    bench.ended(bench.start(PASS))
    path = killed(bench.path, tmp_path / "left")
    bench.close()
    return path


def test_a_store_that_was_killed_opens(left: Path) -> None:
    bench = Bench(left)
    assert bench.store.reader().execute("SELECT count(*) FROM runs").fetchone()[0] == 1
    bench.close()
    assert not note_path(left).exists()


def test_a_store_that_was_killed_and_then_refused_opens(
    left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("headrace.facility.store.database.MIGRATIONS", MIGRATIONS[:-1])
        with pytest.raises(FacilityError, match="written by a later headrace"):
            Store(left)
    gc.collect()
    bench = Bench(left)
    assert bench.store.reader().execute("SELECT count(*) FROM runs").fetchone()[0] == 1
    bench.close()


def test_a_store_that_was_closed_for_a_fault_that_is_gone_opens(left: Path) -> None:
    log = wal_path(left).read_bytes()
    store = Store(left)
    store.health.fatal("store", "the disk is full")
    store.close()
    wal_path(left).write_bytes(log)  # as a disk that is full leaves it
    Store(left).close()


def test_a_log_that_is_missing_is_noticed(left: Path) -> None:
    wal_path(left).unlink()
    with pytest.raises(FacilityError, match=r"the log of the store is missing.*put it back"):
        Store(left)
    note_path(left).unlink()
    Store(left).close()


def test_another_store_s_log_is_noticed(left: Path, tmp_path: Path) -> None:
    other = Bench(tmp_path / "other" / "facility.db")
    for _ in range(3):
        other.ended(other.start(PASS))
    foreign = killed(other.path, tmp_path / "foreign")
    other.close()
    before = content(left)
    wal_path(foreign).rename(wal_path(left))
    with pytest.raises(FacilityError, match=r"is not the log of facility\.db"):
        Store(left)
    assert content(left) == before


def test_a_store_put_back_beside_a_later_log_is_noticed(left: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    old.write_bytes(left.read_bytes())
    old.replace(left)
    with pytest.raises(FacilityError, match="is not the log"):
        Store(left)


def test_a_directory_that_was_copied_whole_opens(left: Path, tmp_path: Path) -> None:
    target = tmp_path / "copied"
    target.mkdir()
    for file in (left, wal_path(left), note_path(left)):
        (target / file.name).write_bytes(file.read_bytes())
    Store(target / left.name).close()


def test_an_sqlite_that_lacks_what_a_store_needs_opens_and_changes_nothing(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(filled)
    lacking = opening._FEATURES.replace("trigram", "of_a_later_sqlite")
    monkeypatch.setattr(opening, "_FEATURES", lacking)
    for path in (filled, tmp_path / "new" / "facility.db"):
        with pytest.raises(FacilityError, match=r"no full-text search.*take a Python") as caught:
            Store(path)
        assert str(caught.value).count("\n") == 0
    with pytest.raises(FacilityError, match=sqlite3.sqlite_version):
        check_store(filled, tmp_path / "copy.db")
    assert content(filled) == before
    assert not note_path(filled).exists()
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "copy.db").exists()


def test_an_emptied_store_is_noticed(left: Path) -> None:
    left.write_bytes(b"")
    with pytest.raises(FacilityError, match="the store is empty"):
        Store(left)
    assert left.stat().st_size == 0


def test_a_store_that_is_gone_is_noticed(left: Path) -> None:
    left.unlink()
    with pytest.raises(FacilityError, match="the store is gone"):
        Store(left)
    assert not left.exists()


def test_a_damaged_page_after_a_kill_is_found_before_anything_is_written(left: Path) -> None:
    with closing(sqlite3.connect(left)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    wal_path(left).touch()
    overwrite(left, root_page(left, "runs"))
    from headrace.facility.store.opening import note_open

    wal_path(left).touch()
    note_open(left)
    before = content(left)
    with pytest.raises(FacilityError, match=r"is damaged.*headrace facility check --export"):
        Store(left)
    assert content(left) == before
