"""Lists of runs, page by page, beside a plain sort; every search has its index."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from headrace.facility.store import run_plan
from headrace.facility.store.database import Store
from headrace.facility.store.ended_runs import EndedRuns
from headrace.facility.store.run_listing import list_up_to
from headrace.facility.store.run_plan import RunPlan
from headrace.facility.store.run_query import ORDER_COLUMNS, RunQuery
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from tests.support.examples import examples

COUNT = 60
STATUSES = ("ACTIVE", "FAILED", "SUCCEEDED")
FLOWS = ("red", "green", "blue")
LABELS = (None, "", "shot 7", "Shot 70", "50% of_it", "100%")
TIMES = [f"2026-11-0{day}T00:00:00.000000+00:00" for day in range(1, 6)]


def tags_of(number: int) -> list[str]:
    return [tag for every, tag in ((1, "all"), (2, "even"), (7, "rare")) if number % every == 0]


@pytest.fixture(scope="module", params=[0, 40, COUNT])
def runs(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[RunTable]:
    """Runs of which none, some or all have come into the indexes of lists."""
    store = Store(tmp_path_factory.mktemp("store") / "state" / "facility.db")
    made = RunTable(store)
    with store.transaction() as db:
        for n in range(1, COUNT + 1):
            status = STATUSES[n * 5 % 3]
            run = Run(
                number=0,
                id=f"run-{n * 37 % COUNT:03}",
                request_id=None,
                flow_id=FLOWS[n * 11 % 3],
                flow_title=f"Flow {FLOWS[n * 11 % 3]}",
                definition="d",
                metadata={"tags": tags_of(n)} | ({"retry_of": {}} if n % 9 == 0 else {}),
                label=LABELS[n * 13 % len(LABELS)],
                start_time=TIMES[n * 3 % 5],
                completion_time=None if status == "ACTIVE" else TIMES[n * 7 % 5],
                status=status,
            )
            made.insert(db, run, {}, {})
        list_up_to(db, request.param)
    yield made
    store.close()


def wanted(everything: list[Run], asked: RunQuery) -> list[Run]:
    """What the list must be, by Python's own sort."""

    def within(moment: str | None, ends: tuple[str, str]) -> bool:
        if ends == ("", ""):
            return True
        first, last = ends
        return moment is not None and first <= moment and (not last or moment < last)

    found = [
        run
        for run in everything
        if (not asked.flow_ids or run.flow_id in asked.flow_ids)
        and (not asked.statuses or run.status in asked.statuses)
        and (not asked.tag or asked.tag in run.metadata["tags"])
        and asked.label.lower() in (run.label or "").lower()
        and asked.flow_title.lower() in run.flow_title.lower()
        and (not asked.is_retry or "retry_of" in run.metadata)
        and within(run.start_time, asked.started)
        and within(run.completion_time, asked.completed)
    ]
    down = asked.order[-1][1] if asked.order else True
    found.sort(key=lambda run: (run.start_time, run.number), reverse=down)
    for name, falls in reversed(asked.order):
        column = "id" if name == "run_id" else name
        found.sort(key=lambda run, column=column: getattr(run, column) or "", reverse=falls)
    return found


TIME_ENDS = st.tuples(st.sampled_from(["", *TIMES]), st.sampled_from(["", *TIMES]))
LISTS = st.builds(
    RunQuery,
    flow_ids=st.lists(st.sampled_from([*FLOWS, "none"]), max_size=2),
    statuses=st.lists(st.sampled_from(STATUSES), max_size=3),
    tag=st.sampled_from(["", "all", "even", "rare", "none"]),
    label=st.sampled_from(["", "", "shot", "SHOT 7", "%", "_", "!", "é", "\0", "x" * 2_000]),
    flow_title=st.sampled_from(["", "", "flow", "red", "%"]),
    started=TIME_ENDS,
    completed=TIME_ENDS,
    is_retry=st.sampled_from([False, False, True]),
    order=st.lists(st.tuples(st.sampled_from([*ORDER_COLUMNS]), st.booleans()), max_size=3),
    limit=st.integers(1, 25),
)


@examples(300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=LISTS, few=st.sampled_from([0, 10, run_plan._FEW]), parts=st.sampled_from([1, 40]))
def test_pages_together_are_the_sorted_list(
    runs: RunTable, asked: RunQuery, few: int, parts: int
) -> None:
    """Whether the runs are collected or found along an index, and in whatever parts."""
    with pytest.MonkeyPatch.context() as limits:
        limits.setattr(run_plan, "_FEW", few)
        limits.setattr(run_plan, "_MAX_PARTS", parts)
        check_pages(runs, asked)


def check_pages(runs: RunTable, asked: RunQuery) -> None:
    everything, _ = runs.query_page(RunQuery(limit=COUNT))
    assert len(everything) == COUNT
    pages: list[Run] = []
    after: list[str | int] = []
    more = True
    while more:
        page, more = runs.query_page(RunQuery(**{**vars(asked), "after": after}))
        assert len(page) <= asked.limit
        pages += page
        if more:
            assert len(page) == asked.limit
            after = json.loads(json.dumps(asked.sort_key(page[-1])))
    # A column that is asked for twice is in order by its first direction.
    assert [run.id for run in pages] == [run.id for run in wanted(everything, asked)]


def test_runs_that_come_meanwhile_shift_no_page(tmp_path: Path) -> None:
    store = Store(tmp_path / "state" / "facility.db")
    runs = RunTable(store)

    def add(moment: str) -> Run:
        run = Run(
            0, f"at {moment}", None, "f", "t", "d", {"tags": []}, None, moment, None, "ACTIVE"
        )
        with store.transaction() as db:
            return runs.insert(db, run, {}, {})

    for n in range(6):
        add(f"2026-11-0{n + 1}")
    asked = RunQuery(limit=3)
    first, _ = runs.query_page(asked)
    add("2026-11-09")
    second, more = runs.query_page(RunQuery(limit=3, after=asked.sort_key(first[-1])))
    assert [run.start_time[-2:] for run in [*first, *second]] == [
        "06",
        "05",
        "04",
        "03",
        "02",
        "01",
    ]
    assert not more
    store.close()


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (RunQuery(), "runs_by_start"),
        (RunQuery(tag="t"), "PRIMARY KEY (tag=?"),
        (RunQuery(tag="t", started=("2026", "2027")), "PRIMARY KEY (tag=? AND start_time>?"),
        (RunQuery(statuses=["FAILED"]), "runs_by_status (status=?"),
        (RunQuery(statuses=["FAILED", "ENDED"]), "runs_by_status (status=?"),
        (RunQuery(flow_ids=["f"]), "runs_by_flow (flow_id=?"),
        (RunQuery(flow_ids=["f"], statuses=["FAILED"]), "runs_by_flow_and_status (flow_id=? AND"),
        (RunQuery(started=("2026", "")), "start_time>?"),
        (RunQuery(label="lab"), "VIRTUAL TABLE INDEX"),
        (RunQuery(order=[("label", True)]), "runs_by_label"),
        (RunQuery(order=[("completion_time", True)]), "runs_by_completion"),
        (RunQuery(order=[("status", False)]), "runs_by_status"),
    ],
)
def test_every_question_has_its_index(runs: RunTable, asked: RunQuery, index: str) -> None:
    text, values = RunPlan(runs.reader(), asked).to_sql("id")
    plan = [row[3] for row in runs.reader().execute(f"EXPLAIN QUERY PLAN {text}", values)]
    assert any(index in step for step in plan), plan
    # Only what is found is put in order once more.
    assert [step for step in plan if step.startswith("SCAN runs") and "INDEX" not in step] == []


@given(text=st.text(string.printable, max_size=5))
def test_a_text_is_looked_for_as_it_is(runs: RunTable, text: str) -> None:
    clauses, values = RunPlan(runs.reader(), RunQuery(label=text)).to_sql("id")
    assert values[-1] == 21
    assert ("LIKE" in clauses) == bool(text)


def test_tags_can_be_changed_and_go_with_their_run(tmp_path: Path) -> None:
    store = Store(tmp_path / "state" / "facility.db")
    runs = RunTable(store)
    tags = {"tags": ["one", "one"]}
    run = Run(0, "r", None, "f", "t", "d", tags, None, "2026", "2026", "FAILED")

    def found(tag: str) -> list[str]:
        return [each.id for each in runs.query_page(RunQuery(tag=tag))[0]]

    with store.transaction() as db:
        runs.insert(db, run, {}, {})
    assert found("one") == ["r"]
    changes: dict[str, Any] = {"tags": ["two"]}
    runs.update("r", changes)
    assert (found("one"), found("two")) == ([], ["r"])
    EndedRuns(store, runs).delete("r")
    assert found("two") == []
    assert store.reader().execute("SELECT count(*) FROM run_tags").fetchone()[0] == 0
    store.close()
