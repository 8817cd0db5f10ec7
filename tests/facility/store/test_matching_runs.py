"""Runs that conditions choose: one that is damaged spoils neither the count nor the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace._internal.text_pattern import text_pattern
from headrace.facility.store.flows import FlowTable
from headrace.facility.store.matching_runs import MatchingRuns, RunMatcher, RunPatterns
from headrace.facility.store.run_query import RunQuery
from headrace.facility.store.runs import RunTable
from tests.support.facility.scripted_engine import Bench

LONG = "x" * 5_000


def ended(bench: Bench, label: str, cause: str) -> str:
    stop = {"Type": "Fail", "Error": "Broken", "Cause": cause}
    flow = FlowTable(bench.store).create(
        {"title": "t", "definition": {"StartAt": "S", "States": {"S": stop}}}
    )
    run_id = bench.engine.start_run(flow, {"body": {}, "label": label, "tags": ["kept"]}).id
    return bench.ended(run_id).id


def find(bench: Bench, **patterns: Any) -> MatchingRuns:
    found = RunMatcher(RunTable(bench.store)).find(RunQuery(), RunPatterns(**patterns), 100, 100)
    # The facility says so in JSON.
    json.dumps([found.ids, dict(found.statuses), dict(found.flow_titles)])
    return found


@pytest.fixture
def pair(bench: Bench) -> tuple[str, str]:
    sound, spoilt = (ended(bench, name, "a lock") for name in ("sound", "spoilt"))
    return sound, spoilt


@pytest.mark.parametrize(
    "damage",
    [
        "label = x'6fff'",
        "flow_title = x'6fff'",
        "status = x'6fff'",
        "metadata = json_set(metadata, '$.tags', null)",
        "metadata = json_set(metadata, '$.tags', 5)",
        "metadata = json_set(metadata, '$.run_managers', 5)",
        "metadata = x'6fff'",
    ],
)
def test_a_damaged_run_spoils_no_count(bench: Bench, pair: tuple[str, str], damage: str) -> None:
    sound, spoilt = pair
    with bench.store.transaction() as db:
        db.execute(f"UPDATE runs SET {damage} WHERE id = ?", (spoilt,))
    assert set(find(bench).ids) == {sound, spoilt}
    assert sound in find(bench, labels=[text_pattern("s*")]).ids
    assert sound in find(bench, tags=[text_pattern("k*")]).ids
    assert sound in find(bench, plain_tags=frozenset(["kept"])).ids
    assert sound in find(bench, causes=[text_pattern("lock")]).ids
    for run in find(bench).runs:
        assert isinstance(run.metadata["tags"], list)
        assert isinstance(run.metadata["run_managers"], list)


def test_a_damaged_label_is_compared_as_it_is_shown(bench: Bench, pair: tuple[str, str]) -> None:
    with bench.store.transaction() as db:
        db.execute("UPDATE runs SET label = x'6fff' WHERE id = ?", (pair[1],))
    assert find(bench, labels=[text_pattern("o?xff")]).ids == [pair[1]]


def test_long_causes_are_compared_each_time(bench: Bench) -> None:
    ids = [ended(bench, "one", f"{LONG} lost"), ended(bench, "two", f"{LONG} kept")]
    matcher = RunMatcher(RunTable(bench.store))
    for _ in range(2):
        found = matcher.find(RunQuery(), RunPatterns(causes=[text_pattern("*x lost*")]), 10)
        assert found.ids == ids[:1]
