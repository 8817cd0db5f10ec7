"""Figures of the whole store, beside a count of what was put in; all from indexes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.facility.store import statistics
from headrace.facility.store.actions import Action, ActionTable
from headrace.facility.store.database import Store
from headrace.facility.store.run_listing import list_up_to
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable

COUNT = 60
STATUSES = ("ACTIVE", "FAILED", "SUCCEEDED", "INACTIVE")
TIMES = [f"2026-11-0{day}T00:00:00.000000+00:00" for day in range(1, 6)]
COMPUTE = "https://compute.actions.globus.org/v3"


def status_of(n: int) -> str:
    return STATUSES[n * 5 % 4]


def end_of(n: int) -> str | None:
    return None if status_of(n) in ("ACTIVE", "INACTIVE") else TIMES[n * 7 % 5]


@pytest.fixture(params=[0, 40, COUNT])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store of which no, some or all runs have come into the indexes of lists."""
    store = Store(tmp_path / "state" / "facility.db")
    runs, actions = RunTable(store), ActionTable(store)
    with store.transaction() as db:
        for n in range(1, COUNT + 1):
            run = Run(
                number=0,
                id=f"run-{n}",
                request_id=None,
                flow_id="red" if n % 3 else "blue",
                flow_title="Flow",
                definition="d",
                metadata={"tags": []},
                label=None,
                start_time=TIMES[n * 3 % 5],
                completion_time=end_of(n),
                status=status_of(n),
            )
            made = runs.insert(db, run, {}, {})
            compute = n % 2 == 0
            action = Action(
                f"action-{n}",
                f"run-{n}",
                "Work",
                COMPUTE if compute else "https://transfer.actions.globus.org/transfer",
                {"endpoint_id": f"endpoint-{n % 4}", "tasks": []} if compute else {},
                None,
                "SUCCEEDED" if end_of(n) else "ACTIVE",
                {},
                TIMES[0],
                end_of(n),
                0,
            )
            actions.insert(db, action, made.number, 1)
            if compute:
                db.execute(
                    "INSERT INTO tasks (id, action_id, position, function_id, arguments, status)"
                    " VALUES (?, ?, 0, 'f', '[]', ?)",
                    (f"task-{n}", action.id, "done" if end_of(n) else "running"),
                )
        list_up_to(db, request.param)
    yield store
    store.close()


NUMBERS = range(1, COUNT + 1)
OPEN = [n for n in NUMBERS if end_of(n) is None]


def test_runs_by_flow_and_status(store: Store) -> None:
    wanted = Counter(("red" if n % 3 else "blue", status_of(n)) for n in NUMBERS)
    assert statistics.count_runs(store.reader()) == wanted
    assert statistics.count_open_runs(store.reader()) == len(OPEN)


def test_failures_since_a_moment(store: Store) -> None:
    wanted = sum(status_of(n) == "FAILED" and (end_of(n) or "") >= TIMES[2] for n in NUMBERS)
    assert statistics.count_failed_since(store.reader(), TIMES[2]) == wanted > 0


def test_open_actions_with_their_tasks(store: Store) -> None:
    found, complete = statistics.read_open_actions(store.reader())
    assert complete
    assert {each.run_id for each in found} == {f"run-{n}" for n in OPEN}
    with_tasks = {each.run_id: each for each in found if each.endpoint_id}
    assert set(with_tasks) == {f"run-{n}" for n in OPEN if n % 2 == 0}
    for n in (n for n in OPEN if n % 2 == 0):
        assert with_tasks[f"run-{n}"].endpoint_id == f"endpoint-{n % 4}"
        assert with_tasks[f"run-{n}"].tasks == {"running": [f"task-{n}"]}
    assert statistics.count_open_tasks(store.reader()) == {"running": len(with_tasks)}
    assert sum(statistics.count_open_actions(store.reader()).values()) == len(OPEN)


def test_what_ended_lately_by_endpoint(store: Store) -> None:
    ended = [n for n in NUMBERS if (end_of(n) or "") >= TIMES[3]]
    found = statistics.read_ended_runs(store.reader(), TIMES[3], statistics.EndpointsOfEndedRuns())
    assert found.complete
    assert found.by_status == Counter(map(status_of, ended))
    assert found.by_endpoint == Counter(f"endpoint-{n % 4}" for n in ended if n % 2 == 0)
    assert found.without_endpoint == sum(n % 2 for n in ended)


def test_endpoints_are_read_once_for_each_end_of_a_run(store: Store) -> None:
    known = statistics.EndpointsOfEndedRuns()
    first = statistics.read_ended_runs(store.reader(), TIMES[0], known)
    with store.transaction() as db:
        db.execute("DELETE FROM actions")
    assert statistics.read_ended_runs(store.reader(), TIMES[0], known) == first
    # Numbers are given again: another run has ended at another time.
    with store.transaction() as db:
        db.execute("UPDATE runs SET completion_time = ? WHERE completion_time IS NOT NULL", ("3",))
    assert not statistics.read_ended_runs(store.reader(), TIMES[0], known).by_endpoint


def test_of_too_many_it_is_said_that_there_are_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "MOST_RUNS", 5)
    found = statistics.read_ended_runs(store.reader(), TIMES[0], statistics.EndpointsOfEndedRuns())
    assert (sum(found.by_status.values()), found.complete) == (5, False)
    actions, complete = statistics.read_open_actions(store.reader())
    assert (len(actions), complete) == (5, False)


def test_a_body_that_cannot_be_read_hides_no_other(store: Store) -> None:
    with store.transaction() as db:
        db.execute("UPDATE actions SET body = '{\"endpoint' WHERE run_id = 'run-2'")
        db.execute(
            "UPDATE actions SET body = ? WHERE run_id = 'run-4'",
            (json.dumps({"endpoint": "old", "function": "f"}),),
        )
    found = statistics.read_ended_runs(store.reader(), TIMES[0], statistics.EndpointsOfEndedRuns())
    assert found.complete
    assert sum(found.by_status.values()) == COUNT - len(OPEN)


@pytest.mark.parametrize("read", ["_COUNTS", "_ENDED", "_OPEN_ACTIONS"])
def test_no_table_is_read_from_end_to_end(store: Store, read: str) -> None:
    sql = getattr(statistics, read)
    values = ["2026"] * sql.count("?")
    plan = store.reader().execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
    steps = [row["detail"] for row in plan]
    assert not any(step in ("SCAN runs", "SCAN actions") for step in steps), steps


def test_the_size_of_the_store(store: Store) -> None:
    size = statistics.read_store_size(store.path)
    assert size.database == store.path.stat().st_size > 0
    assert 0 < size.free <= size.total
    assert size.log > 0
