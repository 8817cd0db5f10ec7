"""A log read page by page is the whole log, in either direction, and is not told anew for each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from headrace.facility.store import log_pages
from headrace.facility.store.log_pages import LogPosition
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import LogEntry, replay
from tests.support.examples import examples
from tests.support.facility.scripted_engine import Bench

# Three states a round, so that some events end a round of 64 in the middle.
LOOP: dict[str, Any] = {
    "Add": {
        "Type": "ExpressionEval",
        "Parameters": {"i.=": "c.i + 1"},
        "ResultPath": "$.c",
        "Next": "More",
    },
    "More": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.c.i", "NumericLessThan": 60, "Next": "Say"}],
        "Default": "End",
    },
    "Say": {"Type": "Pass", "Next": "Add"},
    "End": {"Type": "Pass", "End": True},
}


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[RunTable, Run, list[LogEntry]]]:
    bench = Bench(tmp_path_factory.mktemp("store") / "state" / "facility.db")
    run = bench.ended(bench.start(LOOP, {"c": {"i": 0}}))
    runs = RunTable(bench.store)
    yield runs, run, [*runs.log_entries(run)]
    bench.close()


def pages(runs: RunTable, run: Run, limits: list[int], newest_first: bool) -> list[LogEntry]:
    found: list[LogEntry] = []
    at: LogPosition | None = None
    while True:
        limit = limits[len(found) % len(limits)]
        page = runs.log_page(run.id, limit, at, newest_first)
        assert len(page.entries) <= limit
        found += page.entries
        if page.next is None:
            return found
        assert len(page.entries) == limit
        at = page.next


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limits=st.lists(st.integers(1, 100), min_size=1, max_size=3),
    newest_first=st.booleans(),
    begun_anew=st.booleans(),
)
def test_pages_together_are_the_log(
    told: tuple[RunTable, Run, list[LogEntry]],
    limits: list[int],
    newest_first: bool,
    begun_anew: bool,
) -> None:
    runs, run, log = told
    if begun_anew:
        runs = RunTable(runs._store)
    wanted = log[::-1] if newest_first else log
    assert pages(runs, run, limits, newest_first) == wanted


def test_a_page_is_told_from_the_nearest_position(
    told: tuple[RunTable, Run, list[LogEntry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, run, log = RunTable(told[0]._store), told[1], told[2]
    applied: list[int] = []
    real = log_pages.apply

    def counted(*arguments: Any) -> Any:
        applied.append(1)
        return real(*arguments)

    monkeypatch.setattr(log_pages, "apply", counted)
    events = runs.event_log.event_count(runs.reader(), run.number)
    assert events > 150
    for newest_first in (False, True):
        applied.clear()
        pages(runs, run, [10], newest_first)
        # Each page goes over 64 events at most before its own, which is far from the whole log.
        assert len(applied) < len(log) / 10 * (64 + 20)


def test_the_end_of_a_long_log_is_told_from_what_is_stored(
    told: tuple[RunTable, Run, list[LogEntry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, run, log = RunTable(told[0]._store), told[1], told[2]
    applied: list[int] = []
    real = log_pages.apply

    def counted(*arguments: Any) -> Any:
        applied.append(1)
        return real(*arguments)

    events = [*runs.event_log.events(runs.reader(), run.number)]
    position = replay(events[:-12])
    document = json.dumps(position.to_snapshot())
    with runs._store.transaction() as db:
        db.execute(
            "REPLACE INTO snapshots VALUES (?,?,?)", (run.number, position.sequence, document)
        )
    monkeypatch.setattr(log_pages, "apply", counted)
    assert runs.log_page(run.id, 5, newest_first=True).entries == log[::-1][:5]
    assert len(applied) == 12


def test_what_is_kept_is_bounded(
    told: tuple[RunTable, Run, list[LogEntry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_pages, "_CACHED_BYTES", 1_000)
    runs, run, log = RunTable(told[0]._store), told[1], told[2]
    assert pages(runs, run, [7], newest_first=True) == log[::-1]


def test_entries_that_come_meanwhile_are_on_the_next_page(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "state" / "facility.db")
    states = {"A": {"Type": "Wait", "Seconds": 31_536_000, "Next": "B"}}
    run_id = bench.start({**states, "B": {"Type": "Pass", "End": True}})
    runs = RunTable(bench.store)
    page = runs.log_page(run_id, 1)
    assert [entry.code for entry in page.entries] == ["FlowStarted"]
    bench.engine.changes.cancel_run(run_id)
    codes = [
        entry.code for entry in runs.log_page(run_id, 10, page.next or LogPosition(2, 0)).entries
    ]
    assert codes[-1] == "FlowCanceled"
    bench.close()
