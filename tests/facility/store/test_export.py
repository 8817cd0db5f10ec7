"""An exported store has every row that can be read, and its lists of runs go on from there."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from headrace.facility.store.actions import Action, ActionTable
from headrace.facility.store.check import check_store
from headrace.facility.store.database import Store
from headrace.facility.store.migrations import MIGRATIONS
from headrace.facility.store.run_listing import last_listed, list_up_to
from headrace.facility.store.run_query import RunQuery
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from tests.support.repository import EARLIER_STORES

RUNS = 300
# Of these the second label is what the status of an action may be.
LABELS = (None, "SUCCEEDED", "shot")


def new_run(n: int) -> Run:
    return Run(
        number=0,
        id=f"run {n}",
        request_id=f"request {n}" if n % 2 else None,
        flow_id=f"flow {n % 3}",
        flow_title="Flow",
        definition="d",
        metadata={"tags": [f"tag {n % 5}"], "run_managers": [], "run_monitors": []},
        label=LABELS[n % len(LABELS)],
        start_time=f"2026-05-01T00:00:00.{n:06}+00:00",
        completion_time=None,
        status="ACTIVE",
    )


def fill(store: Store, count: int) -> None:
    runs, actions = RunTable(store), ActionTable(store)
    with store.transaction() as db:
        for n in range(count):
            run = runs.insert(db, new_run(n), {}, {})
            end = run.start_time if n % 4 else None
            status = "SUCCEEDED" if end else "ACTIVE"
            action = Action(
                f"action {n}", run.id, "Ask", "u", {}, run.label, status, {}, run.start_time, end, 1
            )
            actions.insert(db, action, run.number, 2)
            runs.set_status(db, run.number, status, end)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A store with open and ended runs, with and without labels and requests of their own."""
    store = Store(tmp_path / "state" / "facility.db", "OFF")
    fill(store, RUNS)
    with store.transaction() as db:
        list_up_to(db, RUNS // 2)
    store.close()
    return store.path


def overwrite_root(path: Path, table: str) -> None:
    """Overwrites the page above all leaves of a table."""
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        [(page,)] = db.execute(query, (table,)).fetchall()
    with path.open("r+b") as stream:
        stream.seek((page - 1) * 4096)
        assert stream.read(1)[0] == 5
        stream.seek((page - 1) * 4096)
        stream.write(b"\xff" * 4096)


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


@pytest.mark.parametrize("table", ["runs", "actions"])
def test_runs_and_actions_without_their_tree_are_told_apart(
    filled: Path, tmp_path: Path, table: str
) -> None:
    with closing(sqlite3.connect(filled)) as db:
        db.execute("UPDATE runs SET listed = 1")
        db.commit()
    wanted = {name: rows(filled, name) for name in ("runs", "actions")}
    overwrite_root(filled, table)
    report = check_store(filled, tmp_path / "copy.db")
    assert not report.intact
    assert {name: rows(tmp_path / "copy.db", name) for name in wanted} == wanted


def test_runs_that_are_older_than_a_column_of_their_table_are_saved(tmp_path: Path) -> None:
    path = tmp_path / "facility.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.execute("BEGIN")
        for migration in MIGRATIONS[:11]:
            migration(db)
        db.execute("INSERT INTO definitions VALUES ('d', '{}', '{}')")
        db.executemany(
            "INSERT INTO runs VALUES (?,?,?,'f','T','d','{\"tags\": []}',?,'t0','t1','SUCCEEDED')",
            [(n, f"run {n}", f"request {n}", "label") for n in range(1, RUNS)],
        )
        db.execute("PRAGMA user_version = 11")
        db.execute("COMMIT")
    Store(path).close()
    wanted = rows(path, "runs")
    overwrite_root(path, "runs")
    check_store(path, tmp_path / "copy.db")
    assert rows(tmp_path / "copy.db", "runs") == wanted
    assert len(wanted) == RUNS - 1


def test_rows_of_every_table_are_found_where_no_tree_is_left(tmp_path: Path) -> None:
    path = tmp_path / "facility.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript((EARLIER_STORES / "version_12.sql").read_text())
        for table, values in {
            "functions": ("f", "name", "code", "{}", "2026"),
            "web_inputs": ("w", "r", "f", "open", "2026", "{}", "{}", None, 1.5, 0),
            "access_rules": ("a", "c", "/", "identity", "i", "{}"),
            "search_entries": ("i", "s", "e", "{}"),
            "compute_endpoints": ("e", "name", "{}", "2026", 0),
            "compute_children": ("c", "e", "{}", "{}", 1, 1.5),
            "tasks": ("t", "a", 0, "f", "[]", "PENDING", None, None),
            "task_groups": ("g", 1.5),
            "packed_tasks": (1, "p", "g", "o", "e", "f", "[]", "{}", *[None] * 2, 0, None, 2.5, 1),
            "snapshots": (1, 2, "{}"),
            "parked_runs": (1, "{}"),
        }.items():
            db.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(values))})", values)
        db.commit()
    tables = list(check_store(path, tmp_path / "sound.db").rows)
    wanted = {table: rows(tmp_path / "sound.db", table) for table in tables}
    assert all(wanted.values())
    with path.open("r+b") as stream:
        stream.write(os.urandom(4096))
    check_store(path, tmp_path / "copy.db")
    for table in tables:
        assert rows(tmp_path / "copy.db", table) == wanted[table], table


@pytest.fixture
def exported(filled: Path, tmp_path: Path) -> Iterator[Store]:
    copy = tmp_path / "new" / "facility.db"
    copy.parent.mkdir()
    check_store(filled, copy)
    store = Store(copy)
    yield store
    store.close()


def test_all_runs_of_an_exported_store_are_listed(exported: Store) -> None:
    db = exported.reader()
    assert [row[0] for row in db.execute("SELECT last FROM run_listing")] == [RUNS]
    assert db.execute("SELECT count(*) FROM runs WHERE listed = 0").fetchone()[0] == 0
    assert db.execute("SELECT count(*) FROM run_tags").fetchone()[0] == RUNS
    found = RunTable(exported).query_page(RunQuery(label="shot", limit=RUNS))[0]
    assert len(found) == RUNS // len(LABELS)


def test_changed_tags_of_an_exported_run_are_found(exported: Store) -> None:
    runs = RunTable(exported)
    for n in (3, RUNS - 2):
        runs.update(f"run {n}", {"tags": ["new"]})
        old = runs.query_page(RunQuery(tag=f"tag {n % 5}", limit=RUNS))[0]
        assert f"run {n}" not in {run.id for run in old}
    new = runs.query_page(RunQuery(tag="new"))[0]
    assert {run.id for run in new} == {"run 3", f"run {RUNS - 2}"}


def test_tags_of_an_exported_run_are_those_of_its_record(filled: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(filled)) as db:
        db.execute("DELETE FROM run_tags")
        db.execute("UPDATE runs SET metadata = ? WHERE number = 1", (json.dumps({"tags": ["x"]}),))
        db.execute("UPDATE runs SET metadata = 'none' WHERE number = 2")
        db.commit()
    check_store(filled, tmp_path / "copy.db")
    tags = {(tag, number) for tag, _, number in rows(tmp_path / "copy.db", "run_tags")}
    wanted = {(f"tag {n % 5}", n + 1) for n in range(2, RUNS)}
    assert tags == {("x", 1), *wanted}


def test_the_number_of_a_lost_run_is_not_given_again(filled: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(filled)) as db:
        db.execute("DELETE FROM runs WHERE number > ?", (RUNS - 10,))
        db.commit()
    check_store(filled, tmp_path / "copy.db")
    store = Store(tmp_path / "copy.db")
    with store.transaction() as db:
        assert RunTable(store).insert(db, new_run(RUNS), {}, {}).number == RUNS + 1
    store.close()


def test_the_highest_number_of_listed_runs_counts(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as db:
        db.execute("UPDATE run_listing SET last = 0")
        db.execute("INSERT INTO run_listing VALUES (?)", (RUNS // 2,))
        db.commit()
    store = Store(filled)
    assert last_listed(store.reader()) == RUNS // 2
    runs = RunTable(store)
    runs.update("run 3", {"tags": ["new"]})
    assert [run.id for run in runs.query_page(RunQuery(tag="new"))[0]] == ["run 3"]
    assert len(runs.query_page(RunQuery(limit=RUNS + 1))[0]) == RUNS
    store.close()
