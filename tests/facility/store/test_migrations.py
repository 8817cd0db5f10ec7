"""Stores of earlier versions open, and their runs go on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from headrace.facility.errors import FacilityError
from headrace.facility.store.check import check_store
from headrace.facility.store.database import Store
from headrace.facility.store.ended_runs import EndedRuns
from headrace.facility.store.migrations import MIGRATIONS
from headrace.facility.store.run_query import RunQuery
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import replay
from tests.support.facility.scripted_engine import Bench, actions_of
from tests.support.repository import EARLIER_STORES


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Bench]:
    path = tmp_path / "state" / "facility.db"
    path.parent.mkdir()
    script = EARLIER_STORES / "version_1.sql"
    database = sqlite3.connect(path)
    database.executescript(script.read_text())
    database.close()
    bench = Bench(path)
    yield bench
    bench.close()


def by_state(bench: Bench) -> dict[str, str]:
    rows = bench.store.reader().execute("SELECT id, number FROM runs ORDER BY number")
    names = ("loop", "failed", "action", "wait", "cancelled")
    return dict(zip(names, [row["id"] for row in rows], strict=True))


def test_the_schema_is_the_latest(old: Bench) -> None:
    version = old.store.reader().execute("PRAGMA user_version").fetchone()[0]
    assert version == len(MIGRATIONS)


def test_logs_of_an_earlier_version_are_kept_word_for_word(old: Bench) -> None:
    runs = by_state(old)
    codes = old.codes(runs["loop"])
    assert codes[0] == "FlowStarted"
    assert codes[-2:] == ["PassCompleted", "FlowSucceeded"]
    assert len(codes) == 16
    assert old.details(runs["loop"])["code"] == "FlowSucceeded"
    assert old.payload(runs["loop"])["c"] == {"i": 3}
    assert old.run(runs["failed"]).status == "FAILED"
    assert old.details(runs["cancelled"])["code"] == "FlowCanceled"


def test_open_runs_of_an_earlier_version_go_on(old: Bench) -> None:
    runs = by_state(old)
    assert old.ended(runs["wait"]).status == "SUCCEEDED"
    old.engine.finish_action(old.action().id, "SUCCEEDED", {"answer": 1})
    payload = old.payload(runs["action"])
    assert payload["r"]["details"] == {"answer": 1}
    assert payload["_private"] == "kept"
    journal = RunTable(old.store).event_log
    number = old.run(runs["action"]).number
    folded = replay(journal.events(old.store.reader(), number))
    assert folded == journal.replay(old.store.reader(), number)


def written_by(version: int, directory: Path) -> Path:
    """Return a store as a release of this version wrote it."""
    path = directory / "state" / "facility.db"
    path.parent.mkdir()
    database = sqlite3.connect(path)
    database.executescript((EARLIER_STORES / f"version_{version}.sql").read_text())
    database.close()
    return path


def test_actions_keep_what_refers_to_them_when_their_table_is_made_anew(tmp_path: Path) -> None:
    bench = Bench(written_by(10, tmp_path))
    try:
        rows = bench.store.reader().execute("SELECT id FROM runs ORDER BY number").fetchall()
        ended, asks, _ = (row["id"] for row in rows)
        assert bench.details(ended)["code"] == "FlowSucceeded"
        first, second = actions_of(bench.store, asks)
        assert (first.state_name, second.state_name) == ("First", "Second")
        referring = (
            "SELECT action_id FROM remote_actions UNION ALL SELECT action_id FROM action_roots"
        )
        found = [row[0] for row in bench.store.reader().execute(referring)]
        assert found == [second.id] * 2
        assert bench.store.reader().execute("PRAGMA foreign_key_check").fetchall() == []
        bench.engine.finish_action(bench.action().id, "SUCCEEDED", {"answer": 2})
        assert bench.payload(asks)["second"]["details"] == {"answer": 2}
        EndedRuns(bench.store, RunTable(bench.store)).delete(asks)
        # Rows that refer to actions go with them, as before.
        assert bench.store.reader().execute(referring).fetchall() == []
    finally:
        bench.close()


@pytest.mark.parametrize("version", [8, 9, 10, 11, 12, 13, 14, 15])
def test_lists_have_the_runs_of_an_earlier_version(tmp_path: Path, version: int) -> None:
    path = written_by(version, tmp_path)
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT number, label, metadata FROM runs").fetchall()
    bench = Bench(path)

    def found(asked: RunQuery) -> set[int]:
        return {run.number for run in RunTable(bench.store).query_page(asked)[0]}

    try:
        assert found(RunQuery()) == {number for number, _, _ in rows}
        for number, label, metadata in rows:
            for tag in json.loads(metadata)["tags"]:
                assert number in found(RunQuery(tag=tag))
            if label:
                assert number in found(RunQuery(label=label.upper()))
        new = bench.start({"A": {"Type": "Pass", "End": True}})
        assert bench.ended(new).number == len(rows) + 1
        assert found(RunQuery()) == {*range(1, len(rows) + 2)}
    finally:
        bench.close()


@pytest.mark.parametrize("version", [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
def test_a_store_of_an_earlier_version_is_checked_as_it_is(tmp_path: Path, version: int) -> None:
    path = written_by(version, tmp_path)
    before = path.read_bytes()
    report = check_store(path, tmp_path / "copy.db")
    assert (report.unreadable_runs, report.version) == ([], version)
    assert path.read_bytes() == before
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("PRAGMA user_version").fetchone()[0] == version


def test_a_store_that_was_exported_with_several_listings_is_listed_anew(tmp_path: Path) -> None:
    path = written_by(12, tmp_path)
    with closing(sqlite3.connect(path)) as database:
        # What was exported had these; changed tags then stayed out of the index.
        database.execute("UPDATE run_listing SET last = 0")
        database.execute("INSERT INTO run_listing VALUES (2)")
        tags = "$.tags", '["new"]'
        database.execute(
            "UPDATE runs SET metadata = json_set(metadata, ?, json(?)) WHERE number = 2", tags
        )
        database.commit()
    bench = Bench(path)
    try:
        runs = RunTable(bench.store)
        assert [run.number for run in runs.query_page(RunQuery(tag="new"))[0]] == [2]
        assert [run.number for run in runs.query_page(RunQuery(tag="two"))[0]] == [3]
        listing = bench.store.reader().execute("SELECT last FROM run_listing").fetchall()
        assert [row[0] for row in listing] == [3]
    finally:
        bench.close()


def damaged_web_input(directory: Path) -> Path:
    """Return a store with a record that its migration cannot read."""
    path = written_by(6, directory)
    with closing(sqlite3.connect(path)) as database:
        changed = database.execute("UPDATE web_inputs SET document = '{\"a\": 1}'")
        assert changed.rowcount > 0
        database.commit()
    return path


def test_a_record_that_cannot_be_migrated_is_one_line_of_a_check(tmp_path: Path) -> None:
    report = check_store(damaged_web_input(tmp_path), tmp_path / "copy.db")
    (problem,) = report.problems
    assert f"cannot be brought to version {len(MIGRATIONS)}" in problem
    assert "one of its records is damaged (KeyError: 'options')" in problem
    assert report.runs > 0


def test_a_record_that_cannot_be_migrated_keeps_the_store_closed(tmp_path: Path) -> None:
    path = damaged_web_input(tmp_path)
    for _ in range(2):
        with pytest.raises(FacilityError, match=r"version 7: .*KeyError.*restore it") as caught:
            Store(path)
        assert str(caught.value).count("\n") == 0
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone()[0] == 6


def test_runs_of_a_store_that_knew_no_parking_go_on(tmp_path: Path) -> None:
    bench = Bench(written_by(9, tmp_path))
    try:
        rows = bench.store.reader().execute("SELECT id FROM runs ORDER BY number").fetchall()
        ended, asks, waits = (row["id"] for row in rows)
        assert bench.details(ended)["code"] == "FlowSucceeded"
        bench.engine.finish_action(bench.action().id, "SUCCEEDED", {"answer": 1})
        assert bench.payload(asks)["r"]["details"] == {"answer": 1}
        assert bench.run(waits).status == "ACTIVE"
    finally:
        bench.close()
