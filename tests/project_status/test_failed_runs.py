"""Runs that failed are read anew, but while they fail by the hundred only the new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from headrace.hosted import Services
from headrace.project_status.failed_runs import FailedRuns

PAGE = 100
NO_TIME = ""


class FailedRunList:
    """Services with runs that failed, of which it counts those that were read."""

    def __init__(self, count: int) -> None:
        self.runs: list[dict[str, Any]] = []
        self.read = 0
        self.fail(count)

    def fail(self, count: int) -> None:
        for _ in range(count):
            n = len(self.runs)
            self.runs.append({"run_id": f"run-{n}", "completion_time": f"2026-11-01T{n:08d}"})

    def read_items(
        self, path: str, name: str, query: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        assert (path, name, query["filter_status"]) == ("/runs", "runs", "FAILED")
        since = query["filter_completion_time"].rstrip(",")
        for number, run in enumerate(reversed(self.runs)):
            if run["completion_time"] < since:
                return
            if number % PAGE == 0:
                self.read += PAGE
            yield run


def ids(failed: FailedRuns, service: FailedRunList, limit: int = 501, since: str = "") -> list[str]:
    runs = failed.read(cast(Services, service), {}, since, limit)
    return [run["run_id"] for run in runs]


def newest(service: FailedRunList, limit: int = 501) -> list[str]:
    return [run["run_id"] for run in reversed(service.runs)][:limit]


def test_all_are_read_where_few_are_new() -> None:
    service, failed = FailedRunList(330), FailedRuns()
    assert ids(failed, service) == newest(service)
    service.read = 0
    service.fail(3)
    del service.runs[100]
    assert ids(failed, service) == newest(service)
    assert service.read == 4 * PAGE


def test_those_before_are_kept_while_many_fail() -> None:
    service, failed = FailedRunList(450), FailedRuns()
    ids(failed, service)
    for new in (60, 100, 170, 1000):
        service.read = 0
        service.fail(new)
        assert ids(failed, service) == newest(service)
        assert service.read <= min(600, new + 2 * PAGE)


def test_those_that_are_too_old_by_now_are_left_out() -> None:
    service, failed = FailedRunList(300), FailedRuns()
    ids(failed, service)
    service.fail(150)
    found = ids(failed, service, since=service.runs[200]["completion_time"])
    assert found == newest(service)[: 450 - 200]


def test_other_runs_are_asked_for() -> None:
    service, failed = FailedRunList(300), FailedRuns()
    ids(failed, service)
    other = FailedRunList(80)
    found = failed.read(cast(Services, other), {"filter_flow_id": "another"}, NO_TIME, 501)
    assert len(found) == 80
