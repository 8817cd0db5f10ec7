"""Each filter and each order of the lists of runs has an index, and new runs come into them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import combinations
from pathlib import Path

import pytest

from headrace.facility.store import run_listing, run_plan
from headrace.facility.store.database import Store
from headrace.facility.store.ended_runs import COUNT_LISTED, EndedRuns
from headrace.facility.store.opening import wal_path
from headrace.facility.store.run_listing import last_listed, list_up_to
from headrace.facility.store.run_plan import RunPlan
from headrace.facility.store.run_query import ORDER_COLUMNS, RunQuery
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable

# One value for each filter: a filter that is new has none here, and the test says so.
FILTERS: dict[str, object] = {
    "flow_ids": ["flow 1"],
    "statuses": ["FAILED"],
    "tag": "even",
    "label": "shot",
    "flow_title": "Flow",
    "started": ("2026-01", "2027-01"),
    "completed": ("2026-01", "2027-01"),
    "is_retry": True,
}
COUNT = 300


def new_run(n: int) -> Run:
    tags = {"tags": ["even"] if n % 2 == 0 else ["odd", f"only {n}"]}
    moment = f"2026-05-01T00:{n // 60 % 60:02}:{n % 60:02}.000000+00:00"
    return Run(
        number=0,
        id=f"{n * 37 % 1000:05}-{n}",
        request_id=None,
        flow_id=f"flow {n % 3}",
        flow_title=f"Flow {n % 3}",
        definition="d",
        metadata=tags,
        label=f"shot {n}",
        start_time=moment,
        completion_time=None,
        status="ACTIVE",
    )


def start(runs: RunTable, store: Store, n: int, ends: bool = True) -> Run:
    with store.transaction() as db:
        run = runs.insert(db, new_run(n), {}, {})
        if ends:
            runs.set_status(db, run.number, "SUCCEEDED", run.start_time)
    return run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "state" / "facility.db")
    yield made
    made.close()


@pytest.fixture
def runs(store: Store) -> RunTable:
    return RunTable(store)


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunTable]:
    store = Store(tmp_path_factory.mktemp("store") / "state" / "facility.db", "OFF")
    runs = RunTable(store)
    for n in range(COUNT):
        start(runs, store, n, ends=n % 10 > 0)
    with store.transaction() as db:
        list_up_to(db, COUNT)
    yield runs
    store.close()


def plan_of(runs: RunTable, asked: RunQuery) -> list[str]:
    """The steps by which SQLite finds the listed runs, without those that are collected first."""
    steps = []
    plan = RunPlan(runs.reader(), asked)
    for source in plan.sources():
        text, values = plan._part(source)
        rows = runs.reader().execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
        found = [row[3] for row in rows]
        scans = {step for step in found if step.startswith("SCAN") and "INDEX" not in step}
        # The one row that says up to where runs are listed, and what was collected.
        assert scans <= {"SCAN run_listing", "SCAN one"}, (asked, scans)
        if run_plan.UNLISTED not in text and " AS one " not in text:
            steps += found
    return steps


def orders() -> Iterator[list[tuple[str, bool]]]:
    yield []
    for name in ORDER_COLUMNS:
        for down in (False, True):
            yield [(name, down)]


def test_every_filter_is_known_here() -> None:
    names = {one.name for one in fields(RunQuery)} - {"order", "after", "limit"}
    assert names == set(FILTERS)


@pytest.mark.parametrize("few", [0, 3000])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_every_filter_with_every_order_is_read_from_an_index(
    listed: RunTable, monkeypatch: pytest.MonkeyPatch, count: int, few: int
) -> None:
    monkeypatch.setattr(run_plan, "_FEW", few)
    for chosen in combinations(FILTERS, count):
        for order in orders():
            asked = RunQuery(order=order, **{name: FILTERS[name] for name in chosen})  # type: ignore[arg-type]
            page, _ = listed.query_page(replace(asked, limit=3))
            after = asked.sort_key(page[-1]) if page else []
            for query in (asked, replace(asked, after=after)):
                sorts = [step for step in plan_of(listed, query) if "TEMP B-TREE" in step]
                assert sorts == [], query


@pytest.mark.parametrize(
    "name", ["flow_ids", "statuses", "tag", "flow_title", "started", "is_retry"]
)
def test_one_filter_in_the_usual_order_is_read_without_a_sort(listed: RunTable, name: str) -> None:
    asked = RunQuery(**{name: FILTERS[name]})  # type: ignore[arg-type]
    assert [step for step in plan_of(listed, asked) if "TEMP B-TREE" in step] == []


@pytest.mark.parametrize(
    ("tag", "status", "index"),
    [("even", "ACTIVE", "runs_by_status"), ("only 7", "SUCCEEDED", "run_tags")],
)
def test_a_long_page_is_walked_by_its_rarer_filter(
    listed: RunTable, monkeypatch: pytest.MonkeyPatch, tag: str, status: str, index: str
) -> None:
    monkeypatch.setattr(run_plan, "_FEW", 0)
    asked = RunQuery(tag=tag, statuses=[status], started=("2026-01-01", ""))
    first, *_ = (step for step in plan_of(listed, asked) if "run_listing" not in step)
    assert index in first
    assert [run.number for run in listed.query_page(asked)[0]] == [
        run.number
        for run in listed.query_page(RunQuery(limit=COUNT))[0]
        if tag in run.metadata["tags"] and run.status == status
    ][: asked.limit]


def test_runs_are_listed_in_groups_as_they_end(store: Store, runs: RunTable) -> None:
    for n in range(run_listing._WAITING + run_listing._LOOKS):
        run = start(runs, store, n)
    with store.transaction() as db:
        assert last_listed(db) == run_listing._GROUP
    tags = store.reader().execute("SELECT count(*) FROM run_tags").fetchone()[0]
    assert tags == run_listing._GROUP * 3 // 2
    assert [one.label for one in runs.query_page(RunQuery(tag="only 101"))[0]] == ["shot 101"]
    assert [one.label for one in runs.query_page(RunQuery(tag="only 501"))[0]] == ["shot 501"]
    assert [one.label for one in runs.query_page(RunQuery(label="SHOT 101"))[0]] == ["shot 101"]
    assert runs.query_page(RunQuery())[0][0].number == run.number


def test_runs_that_stay_open_are_listed_when_many_wait(
    store: Store, runs: RunTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_listing, "_MOST_WAITING", 600)
    for n in range(700):
        start(runs, store, n, ends=False)
    with store.transaction() as db:
        listed = last_listed(db)
        assert 100 <= listed < 700
        runs.set_status(db, 1, "FAILED", "2026-06-01T00:00:00.000000+00:00")
        runs.set_status(db, 650, "FAILED", "2026-06-01T00:00:00.000000+00:00")
    assert [one.number for one in runs.query_page(RunQuery(statuses=["FAILED"]))[0]] == [650, 1]
    assert len(runs.list_open()) == 698


def test_what_is_changed_of_a_run_is_found_whether_it_is_listed_or_not(
    store: Store, runs: RunTable
) -> None:
    first, second = (start(runs, store, n) for n in (1, 2))
    with store.transaction() as db:
        list_up_to(db, first.number)

    def found(**asked: str) -> list[int]:
        return sorted(one.number for one in runs.query_page(RunQuery(**asked))[0])  # type: ignore[arg-type]

    for run in (first, second):
        runs.update(run.id, {"label": f"renamed {run.number}", "tags": ["new"]})
    assert (found(label="shot"), found(label="RENAMED"), found(tag="even")) == ([], [1, 2], [])
    assert found(tag="new") == [1, 2]
    ended = EndedRuns(store, runs)
    for run in (second, first):
        ended.delete(run.id)
    assert (found(label="renamed"), found(tag="new")) == ([], [])
    # A number is not given again below those that are listed, where nobody would look for it.
    assert start(runs, store, 3).number == 2
    assert found(label="shot 3") == [2]


def test_old_runs_go_whether_they_are_listed_or_not(store: Store, runs: RunTable) -> None:
    for n in range(10):
        start(runs, store, n, ends=n != 7)
    with store.transaction() as db:
        list_up_to(db, 5)
    ended = EndedRuns(store, runs)
    assert ended.count("2026-05-01T00:00:04") == (4, 9)
    assert (ended.latest_time() or "").startswith("2026-05-01T00:00:09")
    assert ended.delete_before("2026-05-01T00:00:04", 3) == 3
    assert ended.delete_before("2026-05-01T00:00:09", 10) == 5
    assert [one.number for one in runs.query_page(RunQuery())[0]] == [10, 8]


def test_ended_runs_are_counted_without_their_rows(store: Store) -> None:
    rows = store.reader().execute(f"EXPLAIN {COUNT_LISTED}").fetchall()
    assert "Column" not in {row["opcode"] for row in rows}


def test_a_definition_goes_without_a_look_at_all_runs(store: Store, runs: RunTable) -> None:
    with store.transaction() as db:
        numbered = [replace(new_run(n), number=n) for n in range(1, 3000)]
        runs.insert_numbered(db, numbered, {}, {})
        other = runs.insert(db, replace(new_run(0), definition="other"), {}, {})
        runs.set_status(db, other.number, "SUCCEEDED", other.start_time)
    steps: list[None] = []
    store._writer.set_progress_handler(lambda: steps.append(None), 10)
    EndedRuns(store, runs).delete(other.id)
    store._writer.set_progress_handler(None, 0)
    hashes = store.reader().execute("SELECT sha256 FROM definitions").fetchall()
    assert [row[0] for row in hashes] == ["d"]
    # A look at each run takes some steps of SQLite's.
    assert 0 < len(steps) * 10 < 3000


def test_a_start_writes_to_few_pages(store: Store, runs: RunTable) -> None:
    for n in range(run_listing._LOOKS * 3):
        start(runs, store, n)
    before = wal_path(store.path).stat().st_size
    for n in range(100):
        start(runs, store, 1000 + n)
    written = wal_path(store.path).stat().st_size - before
    page = struct.unpack(">H", store.path.read_bytes()[16:18])[0]
    # Its row, its id and its request, and now and then one more; none of a dozen indexes.
    assert written / (page + 24) / 100 < 5
