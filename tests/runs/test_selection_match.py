"""Numbers and ids of the runs that a selection chooses: the same as by their documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from headrace.hosted import sdk
from headrace.project import Project, connect
from headrace.runs import BatchedRun
from headrace.runs.batch_change import send_change
from headrace.runs.points_in_time import point_in_time
from headrace.runs.query import retry_run
from headrace.runs.selection import RunSelector, Selection
from tests.support.chosen_runs import failing, start
from tests.support.web_runs import running_project

pytestmark = pytest.mark.service

SELECTIONS = (
    Selection(),
    Selection(statuses=("FAILED",)),
    Selection(flows=("fail",), statuses=("FAILED", "SUCCEEDED")),
    Selection(causes=("NODE * was lost",)),
    Selection(causes=("no such cause",)),
    Selection(causes=("broken in state Stop",)),
    Selection(causes=("lock", "node"), labels=("a*",)),
    Selection(causes=("the run waits",)),
    Selection(labels=("node n?",)),
    Selection(labels=("one", "two")),
    Selection(tags=("lost",)),
    Selection(tags=("lost", "plain")),
    Selection(tags=("l*t", "plain")),
    Selection(tags=("los",)),
    Selection(unmended=True),
    Selection(unmended=True, causes=("node",)),
    Selection(held=True),
    Selection(since=point_in_time("1h")),
    Selection(until=point_in_time("1h")),
    # More, or longer ones, than a facility takes in one call.
    Selection(causes=("node", *(f"cause {number}" for number in range(100)))),
    Selection(causes=("lock", "x" * 1_001)),
    Selection(labels=("one", *(f"{number}" + "y" * 900 for number in range(60)))),
    Selection(tags=("lost", *("é" * 900 + f"{number}" for number in range(60)))),
    # The most and longest that it takes.
    Selection(causes=("lock", *(f"{number}" + "z" * 250 for number in range(99)))),
    Selection(causes=("lock", "x" * 1_000)),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with running_project(tmp_path_factory.mktemp("project")) as found:
        lost = start(
            found, "fail", failing("node n1 was lost", "node n2 was lost", tag="lost"), "FAILED"
        )
        start(found, "fail", failing("a lock", "a lock", "Lock", tag="locked"), "FAILED")
        start(found, "good", [BatchedRun({}, label="one", tags=["plain"])] * 3, "SUCCEEDED")
        waiting = start(found, "later", [BatchedRun({}, label="two")] * 2, "ACTIVE")
        services = connect(found, "local")
        send_change(services, waiting[:1], status="hold")
        retry_run(services, "local", lost[0])
        yield found


@pytest.fixture
def selector(project: Project) -> RunSelector:
    return RunSelector(project, "local", connect(project, "local"))


@pytest.mark.parametrize("selection", SELECTIONS, ids=lambda each: str(SELECTIONS.index(each)))
def test_a_facility_tells_the_runs_that_documents_tell(
    selector: RunSelector, selection: Selection
) -> None:
    documents = [*selector.iterate(selection)]
    found = selector.match(selection, 1_000, 2)
    assert found.ids == [each["run_id"] for each in documents]
    assert not found.has_more
    assert found.statuses.total() == found.flow_titles.total() == len(documents)
    assert [each["run_id"] for each in found.documents] == found.ids[:2]
    assert [each["details"] for each in found.documents] == [
        each["details"] for each in documents[:2]
    ]


def test_the_newest_are_meant_where_there_are_more(selector: RunSelector) -> None:
    failed = Selection(statuses=("FAILED",))
    every = selector.match(failed, 1_000).ids
    some = selector.match(failed, 3)
    assert some.has_more
    assert some.ids == every[:3]
    assert not selector.match(failed, len(every)).has_more


class ListCounter:
    """Services that count the lists of runs that are asked for.

    Args:
        services: those that are asked.
    """

    def __init__(self, services: Any) -> None:
        self._services = services
        self.lists = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._services, name)

    def read_items(self, path: str, *more: Any) -> Iterator[dict[str, Any]]:
        self.lists += path == "/runs"
        return self._services.read_items(path, *more)


@pytest.mark.parametrize("target", ["local", "globus"])
@pytest.mark.parametrize("chosen", [Selection(), Selection(causes=("node",))])
def test_runs_are_counted_without_a_limit_and_listed_once(
    project: Project, monkeypatch: pytest.MonkeyPatch, target: str, chosen: Selection
) -> None:
    monkeypatch.setattr("headrace.runs.selection.MOST", 1)
    services: Any = ListCounter(connect(project, "local"))
    selector = RunSelector(project, target, services)
    expected = Counter(each["status"] for each in selector.iterate(chosen))
    services.lists = 0
    assert selector.count(chosen) == expected
    assert expected.total() > 1
    assert services.lists == 1


def test_runs_are_counted_without_a_list_where_the_facility_says_so(project: Project) -> None:
    services: Any = ListCounter(connect(project, "local"))
    selector = RunSelector(project, "local", services)
    assert selector.count(Selection(statuses=("FAILED",))).total() > 1
    assert services.lists == 0
    ids = selector.match(Selection(statuses=("FAILED",)), 2).ids
    assert selector.count(Selection(ids=tuple(ids))) == {"FAILED": 2}


@pytest.mark.parametrize(
    ("label", "word"),
    [
        ("number 4999*", "4999"),
        ("leg 7 of run*", "leg"),
        ("*a longer text*", "longer"),
        ("a?c", ""),
    ],
)
def test_labels_are_looked_for_by_the_word_that_fewest_have(
    selector: RunSelector, label: str, word: str
) -> None:
    assert selector.query(Selection(labels=(label,))).get("filter_label", "") == word


class OlderFacility:
    """Services of a facility that has no such call.

    Args:
        services: those of one that has.
    """

    def __init__(self, services: Any) -> None:
        self._services = services

    def __getattr__(self, name: str) -> Any:
        return getattr(self._services, name)

    def read(self, path: str, query: Any = None) -> dict[str, Any]:
        return self._services.read(path.replace("/matching", "/unknown"), query)


def test_an_older_facility_is_asked_for_the_documents(project: Project) -> None:
    services: Any = OlderFacility(connect(project, "local"))
    older = RunSelector(project, "local", services)
    newer = RunSelector(project, "local", connect(project, "local"))
    chosen = Selection(causes=("node",))
    assert older.match(chosen, 1_000).ids == newer.match(chosen, 1_000).ids != []


@pytest.mark.parametrize(
    "patterns",
    ["{", "[]", '{"other": []}', '{"causes": "text"}', '{"tags": [1]}', '{"labels": {}}'],
)
def test_patterns_that_are_none_are_refused(project: Project, patterns: str) -> None:
    services = connect(project, "local")
    with pytest.raises(sdk().GlobusAPIError) as refused:
        services.read("/batch/runs/matching", {"patterns": patterns})
    assert refused.value.http_status in (400, 422)
    assert "patterns" in str(refused.value)
