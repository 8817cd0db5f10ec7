"""Counts that go on from those before are those of all runs counted anew."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.facility.store.database import Store
from headrace.facility.store.moments import one_moment
from headrace.facility.store.run_counts import RunCounts
from headrace.facility.store.run_listing import list_up_to
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from headrace.facility.store.statistics import count_runs

MOMENT = "2026-11-01T00:00:00.000000+00:00"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "facility.db")
    yield store
    store.close()


class Runs:
    """Runs of a store that are started, ended and removed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = RunTable(store)
        self._started = 0
        self.open: list[Run] = []
        self.ended: list[Run] = []

    def start(self, flow: str) -> None:
        self._started += 1
        run = Run(
            number=0,
            id=f"run-{self._started}",
            request_id=None,
            flow_id=flow,
            flow_title="Flow",
            definition="d",
            metadata={"tags": []},
            label=None,
            start_time=MOMENT,
            completion_time=None,
            status="ACTIVE",
        )
        with self._store.transaction() as db:
            self.open.append(self._table.insert(db, run, {}, {}))

    def end(self, run: Run, status: str) -> None:
        self.open.remove(run)
        self.ended.append(run)
        self._set(run, status, MOMENT)

    def pause(self, run: Run) -> None:
        self._set(run, "INACTIVE", None)

    def _set(self, run: Run, status: str, moment: str | None) -> None:
        with self._store.transaction() as db:
            self._table.set_status(db, run.number, status, moment)

    def remove(self, run: Run) -> None:
        self.ended.remove(run)
        with self._store.transaction() as db:
            self._store.changes.add_removed_run(run.id)
            db.execute("DELETE FROM runs WHERE number = ?", (run.number,))


def assert_same(counts: RunCounts, store: Store) -> None:
    db = store.reader()
    with one_moment(db):
        assert +counts.get(db) == +count_runs(db)


@pytest.mark.parametrize("seed", range(5))
def test_any_course_of_runs(store: Store, seed: int) -> None:
    choice = random.Random(seed)
    runs, counts = Runs(store), RunCounts(store.changes)
    for step in range(300):
        kind = choice.random()
        if kind < 0.45 or not runs.open:
            runs.start(choice.choice(["red", "blue"]))
        elif kind < 0.8:
            runs.end(choice.choice(runs.open), choice.choice(["SUCCEEDED", "FAILED", "ENDED"]))
        elif kind < 0.9:
            runs.pause(choice.choice(runs.open))
        elif kind < 0.93 and runs.ended:
            runs.remove(choice.choice(runs.ended))
        if step % 50 == 7:
            with store.transaction() as db:
                list_up_to(db, step)
        if choice.random() < 0.4:
            assert_same(counts, store)
    assert_same(counts, store)


def test_the_last_run_is_removed_and_its_number_given_again(store: Store) -> None:
    runs, counts = Runs(store), RunCounts(store.changes)
    for status in ("SUCCEEDED", "FAILED"):
        runs.start("red")
        runs.end(runs.open[0], status)
    assert_same(counts, store)
    runs.remove(runs.ended[-1])
    runs.start("blue")
    assert runs.open[0].number == 2
    assert_same(counts, store)


def test_a_removal_that_is_not_committed_yet(store: Store) -> None:
    runs, counts = Runs(store), RunCounts(store.changes)
    for _ in range(3):
        runs.start("red")
        runs.end(runs.open[0], "FAILED")
    run = runs.ended[-1]
    with store.transaction() as db:
        store.changes.add_removed_run(run.id)
        db.execute("DELETE FROM runs WHERE number = ?", (run.number,))
        # As any other thread sees it meanwhile.
        assert_same(counts, store)
    assert_same(counts, store)


def test_more_open_runs_than_are_looked_at_one_by_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.facility.store.run_counts._MOST_OPEN", 3)
    runs, counts = Runs(store), RunCounts(store.changes)
    for _ in range(6):
        runs.start("red")
        assert_same(counts, store)
    for run in list(runs.open):
        runs.end(run, "SUCCEEDED")
        assert_same(counts, store)


def test_a_run_that_has_ended_and_is_parked_counts_as_such(store: Store) -> None:
    runs, counts = Runs(store), RunCounts(store.changes)
    runs.start("red")
    runs.end(runs.open[0], "SUCCEEDED")
    assert_same(counts, store)
    with store.transaction() as db:
        RunTable(store).set_parked_status(db, runs.ended[0].number, "INACTIVE", None)
    assert_same(counts, store)
