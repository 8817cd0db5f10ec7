"""Starts that wait together share a commit, and none of them stops another."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from headrace.facility.engine import run_starter
from headrace.facility.engine.run_creation import NamedRequest
from headrace.facility.engine.run_starter import StartOutcome, Wake
from headrace.facility.errors import FacilityError
from headrace.facility.store.actions import Action
from headrace.facility.store.database import Store
from headrace.facility.store.flows import FlowTable, StoredFlow
from headrace.facility.store.run_query import RunQuery
from headrace.facility.store.runs import RunTable
from tests.support.facility.scripted_engine import Bench, action_state

PASS = {"A": {"Type": "Pass", "Parameters": {"x": 1}, "ResultPath": "$.a", "End": True}}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "state" / "facility.db")
    yield made
    made.close()


def flow_of(bench: Bench, states: dict[str, Any]) -> StoredFlow:
    definition = {"StartAt": next(iter(states)), "States": states}
    return FlowTable(bench.store).create({"title": "t", "definition": definition})


class Starts:
    """Starts that were asked for, with their outcomes in the order of the answers."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._answered = threading.Condition()
        self.outcomes: list[StartOutcome] = []

    def submit(self, flow: StoredFlow, request: dict[str, Any], name: str | None = None) -> None:
        self._bench.engine.starter.add(flow, request, name, self._done)

    def _done(self, outcome: StartOutcome) -> None:
        with self._answered:
            self.outcomes.append(outcome)
            self._answered.notify()

    def wait(self, count: int) -> list[StartOutcome]:
        with self._answered:
            assert self._answered.wait_for(lambda: len(self.outcomes) >= count, 60)
        return self.outcomes


@contextmanager
def no_start_taken(bench: Bench) -> Iterator[None]:
    """Has what is asked for meanwhile wait together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.engine.starter, "start_waiting", lambda: None)
        yield


def count_commits(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    commits: list[None] = []
    true_commit = Store.commit

    def commit(self: Store) -> None:
        true_commit(self)
        commits.append(None)

    monkeypatch.setattr(Store, "commit", commit)
    return commits


def test_starts_that_wait_together_share_a_commit(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow, starts = flow_of(bench, PASS), Starts(bench)
    with bench.store.transaction():
        for n in range(20):
            starts.submit(flow, {"body": {"n": n}})
        commits = count_commits(monkeypatch)
    outcomes = starts.wait(20)
    # This test's own, that of the first start, which may have been taken alone, and the others'.
    assert len(commits) <= 3
    runs = [bench.run(outcome.stored_run.id) for outcome in outcomes]
    # The first steps were part of the commit; the answer shows the run as it was stored.
    assert {run.status for run in runs} == {"SUCCEEDED"}
    assert {outcome.stored_run.status for outcome in outcomes} == {"ACTIVE"}


def test_an_answer_comes_after_the_commit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    flow, starts = flow_of(bench, PASS), Starts(bench)
    held, true_commit = threading.Event(), Store.commit
    seen: list[int] = []

    def commit(self: Store) -> None:
        assert held.wait(60)
        seen.append(len(starts.outcomes))
        true_commit(self)

    monkeypatch.setattr(Store, "commit", commit)
    starts.submit(flow, {})
    starts.submit(flow, {})
    assert starts.outcomes == []
    held.set()
    starts.wait(2)
    assert seen[0] == 0


def test_one_that_fails_is_undone_alone(bench: Bench) -> None:
    flow, starts = flow_of(bench, PASS), Starts(bench)
    with bench.store.transaction():
        starts.submit(flow, {"label": "one"})
        # SQLite takes no such text, after the run's row is stored.
        starts.submit(flow, {"label": "two", "tags": ["lost \ud800"]})
        starts.submit(flow, {"label": "three"})
    outcomes = starts.wait(3)
    assert [outcome.stored_run.label for outcome in outcomes if outcome.run] == ["one", "three"]
    assert [type(outcome.error) for outcome in outcomes if outcome.error] == [UnicodeEncodeError]
    rows = bench.store.reader().execute("SELECT label FROM runs ORDER BY number").fetchall()
    assert [row["label"] for row in rows] == ["one", "three"]


def test_first_steps_that_fail_leave_a_run_that_is_parked(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def accept(db: sqlite3.Connection, action: Action) -> None:
        db.execute("INSERT INTO run_tags VALUES ('half done', '', 0)")
        raise RuntimeError("a provider of no use")

    monkeypatch.setattr(bench.provider, "accept", accept)
    starts = Starts(bench)
    with bench.store.transaction():
        starts.submit(flow_of(bench, {"A": action_state()}), {})
        starts.submit(flow_of(bench, PASS), {})
    broken, sound = (outcome.stored_run for outcome in starts.wait(2))
    assert "a provider of no use" in bench.parked(broken.id)["description"]
    assert bench.ended(sound.id).status == "SUCCEEDED"
    left = bench.store.reader().execute("SELECT count(*) FROM run_tags").fetchone()[0]
    assert left == 0


def test_a_repeated_request_gives_the_run_that_it_has_started(bench: Bench) -> None:
    flow, starts = flow_of(bench, PASS), Starts(bench)
    for _ in range(3):
        starts.submit(flow, {}, "the request")
    outcomes = starts.wait(3)
    assert len({outcome.stored_run.id for outcome in outcomes}) == 1
    assert [outcome.is_new for outcome in outcomes] == [True, False, False]


def test_actions_begin_after_the_commit_of_the_start(bench: Bench) -> None:
    starts = Starts(bench)
    starts.submit(flow_of(bench, {"A": action_state()}), {})
    action = bench.action()
    assert action.run_id == starts.wait(1)[0].stored_run.id
    bench.engine.finish_action(action.id, "SUCCEEDED", {})
    assert bench.ended(action.run_id).status == "SUCCEEDED"


def test_a_stopped_engine_refuses_starts(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "state" / "facility.db")
    flow, starts = flow_of(bench, PASS), Starts(bench)
    bench.close()
    starts.submit(flow, {})
    assert isinstance(starts.wait(1)[0].error, FacilityError)


def test_after_a_death_in_first_steps_runs_are_stored_before_they_are_advanced(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the next death can be told of a run, which is parked."""
    flow, starts = flow_of(bench, {"A": action_state()}), Starts(bench)
    bench.engine.starter.is_advancing = True
    bench.engine._record_stuck_run("")
    bench.engine.starter.is_advancing = False
    bench.close()
    bench.open()
    stored: list[bool] = []

    def accept(db: sqlite3.Connection, action: Action) -> None:
        rows = bench.store.reader().execute("SELECT 1 FROM runs WHERE id = ?", (action.run_id,))
        stored.append(rows.fetchone() is not None)

    monkeypatch.setattr(bench.provider, "accept", accept)
    starts.submit(flow, {})
    run = starts.wait(1)[0].stored_run
    bench.action()
    assert stored == [True]
    assert RunTable(bench.store).get(run.id).status == "ACTIVE"
    bench.close()
    bench.open()
    starts.submit(flow, {})
    starts.wait(2)
    bench.action(2)
    assert stored == [True, False]


def test_who_waits_for_starts_that_share_a_commit_is_woken_once(bench: Bench) -> None:
    flow = flow_of(bench, PASS)
    outcomes: list[StartOutcome] = []
    woken: queue.SimpleQueue[int] = queue.SimpleQueue()

    def wake() -> None:
        woken.put(len(outcomes))

    def done(outcome: StartOutcome) -> Wake:
        outcomes.append(outcome)
        return wake

    with no_start_taken(bench):
        for _ in range(5):
            bench.engine.starter.add(flow, {}, None, done)
    assert woken.get(timeout=60) == 5
    bench.engine.starter.close()
    bench.engine.starter.add(flow, {}, None, done)
    assert woken.get(timeout=60) == 6
    assert isinstance(outcomes[-1].error, FacilityError)
    assert woken.empty()


@pytest.mark.parametrize("where", ["its start", "its first steps", "a batch"])
def test_where_all_is_undone_at_one_start_none_is_stored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """As SQLite does by itself where memory or disk is short."""
    real_create = run_starter.create_run

    def undo_all(db: sqlite3.Connection) -> None:
        db.execute("ROLLBACK")
        raise MemoryError("none is left")

    def create(db: sqlite3.Connection, runs: Any, flow: Any, request: Any, name: Any) -> Any:
        if request.get("label") == "lost":
            undo_all(db)
        return real_create(db, runs, flow, request, name)

    def create_many(db: sqlite3.Connection, *arguments: Any) -> Any:
        undo_all(db)

    monkeypatch.setattr(run_starter, "create_runs", create_many)
    if where == "its first steps":
        monkeypatch.setattr(bench.provider, "accept", lambda db, action: undo_all(db))
    else:
        monkeypatch.setattr(run_starter, "create_run", create)
    sound = flow_of(bench, PASS)
    starts = Starts(bench)
    if where == "a batch":
        requests: list[NamedRequest] = [({"label": label}, None) for label in ("lost", "three")]
        outcomes = [*BatchAnswer(bench, sound, requests).wait()]
    else:
        lost = flow_of(bench, {"A": action_state()})
        with no_start_taken(bench):
            starts.submit(lost, {"label": "lost"})
            starts.submit(sound, {"label": "three"})
        outcomes = starts.wait(2)
    assert [type(outcome.error) for outcome in outcomes] == [MemoryError, MemoryError]
    assert bench.store.reader().execute("SELECT label FROM runs").fetchall() == []


class BatchAnswer:
    """The outcomes of one batch."""

    def __init__(self, bench: Bench, flow: StoredFlow, requests: list[NamedRequest]) -> None:
        self._answers: queue.SimpleQueue[Sequence[StartOutcome]] = queue.SimpleQueue()
        bench.engine.starter.add_batch(flow, requests, self._answers.put)

    def wait(self) -> Sequence[StartOutcome]:
        return self._answers.get(timeout=60)


def test_a_batch_is_stored_by_one_commit_and_its_runs_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = flow_of(bench, PASS)
    commits = count_commits(monkeypatch)
    monkeypatch.setattr(bench.engine, "_advance_batch", lambda batch: [])
    requests: list[NamedRequest] = [
        ({"body": {"n": n}, "label": f"run {n}", "tags": ["batch", f"n {n}"]}, None)
        for n in range(50)
    ]
    runs = [outcome.stored_run for outcome in BatchAnswer(bench, flow, requests).wait()]
    # The other one may be that of the look for old runs at the engine's start.
    assert len(commits) <= 2
    assert [run.label for run in runs] == [f"run {n}" for n in range(50)]
    monkeypatch.undo()
    bench.close()
    bench.open()
    assert [bench.payload(run.id)["n"] for run in runs] == [*range(50)]
    found, _ = RunTable(bench.store).query_page(RunQuery(tag="n 7"))
    assert [run.id for run in found] == [runs[7].id]


def test_a_batch_that_is_sent_again_starts_nothing(bench: Bench) -> None:
    flow = flow_of(bench, PASS)
    first = BatchAnswer(bench, flow, [({}, "a"), ({}, "b"), ({}, "a")]).wait()
    again = BatchAnswer(bench, flow, [({}, "b"), ({}, "c"), ({}, "a")]).wait()
    assert [outcome.is_new for outcome in first] == [True, True, False]
    assert [outcome.is_new for outcome in again] == [False, True, False]
    ids = [outcome.stored_run.id for outcome in first]
    assert ids[0] == ids[2]
    assert [again[2].stored_run.id, again[0].stored_run.id] == ids[:2]


def test_one_of_a_batch_that_fails_is_undone_alone(bench: Bench) -> None:
    flow = flow_of(bench, PASS)
    requests: list[NamedRequest] = [
        ({"tags": ["a"]}, None),
        ({"tags": ["\ud800"]}, None),
        ({}, "x"),
    ]
    outcomes = BatchAnswer(bench, flow, requests).wait()
    assert [outcome.run is None for outcome in outcomes] == [False, True, False]
    assert isinstance(outcomes[1].error, UnicodeEncodeError)
    for outcome in (outcomes[0], outcomes[2]):
        assert bench.ended(outcome.stored_run.id).status == "SUCCEEDED"
    assert bench.store.reader().execute("SELECT count(*) FROM runs").fetchone()[0] == 2


def test_runs_of_batches_go_on_while_other_batches_keep_coming(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow, real_add = flow_of(bench, PASS), bench.engine._wakeups.add
    woken: list[int] = []
    seen: queue.SimpleQueue[list[int]] = queue.SimpleQueue()

    def add(number: int, *arguments: Any, **options: Any) -> bool:
        woken.append(number)
        return real_add(number, *arguments, **options)

    monkeypatch.setattr(run_starter, "_UNADVANCED_RUNS", 2)
    monkeypatch.setattr(bench.engine._wakeups, "add", add)
    starter = bench.engine.starter
    with no_start_taken(bench):
        full = BatchAnswer(bench, flow, [({}, None), ({}, None)])
        starter.add_batch(flow, [({}, None)], lambda outcomes: seen.put([*woken]))
        last = BatchAnswer(bench, flow, [({}, None)])
    stored = [outcome.stored_run.number for outcome in full.wait()]
    # The last one still waited then.
    assert seen.get(timeout=60) == stored
    last.wait()


def test_a_fault_of_the_starts_loses_no_run_that_is_to_be_advanced(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    wakeups, real_take = bench.engine._wakeups, bench.engine._wakeups.take
    taken: list[int] = []

    def take(*arguments: Any) -> Any:
        batch = real_take(*arguments)
        taken.extend(batch or ())
        return batch

    def start_waiting() -> None:
        if taken:
            monkeypatch.undo()
            raise RuntimeError("a fault of the starts")

    monkeypatch.setattr(wakeups, "take", take)
    monkeypatch.setattr(bench.engine.starter, "start_waiting", start_waiting)
    run = bench.engine.start_run(flow_of(bench, PASS), {})
    assert bench.ended(run.id).status == "SUCCEEDED"
    assert taken == [run.number]
