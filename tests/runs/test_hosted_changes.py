"""Requests by which many runs are changed at the hosted service."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from headrace.hosted import NoAnswerError, Services
from headrace.project import Project
from headrace.runs import parallel_requests
from headrace.runs.bulk_change import ChangeOutcome, RunChange, RunChanger
from headrace.runs.change_record import ChangeRecord, ChangeRecords
from headrace.runs.change_undo import plan_undo, undo_change
from headrace.runs.retry_chains import RetryChains
from tests.support.flows_service import Service


@pytest.fixture
def hosted(
    project: Project, services: Services, monkeypatch: pytest.MonkeyPatch
) -> tuple[Project, Services]:
    found = replace(services, url="https://flows.globus.org")
    monkeypatch.setattr(parallel_requests, "connect", lambda project, target: found)
    return project, found


@pytest.fixture
def runs(service: Service) -> list[str]:
    flow_id = str(UUID(int=17))
    service.flows[flow_id] = {"id": flow_id, "title": "t"}
    bodies = [{"body": {}, "tags": tags} for tags in (["a"], ["a", "b"], ["c"])]
    return [service.start(flow_id, body)["run_id"] for body in bodies]


def changed(
    hosted: tuple[Project, Services], service: Service, runs: list[str], wanted: RunChange
) -> list[ChangeOutcome]:
    project, services = hosted
    changer = RunChanger(project, "globus", services, ChangeRecords(project))
    documents = [dict(service.runs[run_id]) for run_id in runs]
    return [*changer.change(wanted, documents, RetryChains())]


def test_runs_are_cancelled_by_one_request(hosted, service: Service, runs: list[str]) -> None:
    service.end(runs[2], "SUCCEEDED", {})
    outcomes = changed(hosted, service, runs, RunChange("cancel"))
    assert service.batches == [{"filters": {"run_ids": runs[:2]}, "set": {"status": "cancel"}}]
    assert sorted(outcome.status for outcome in outcomes) == ["changed", "changed", "skipped"]


def test_tags_are_changed_and_undone_by_requests_for_many(
    hosted, service: Service, runs: list[str]
) -> None:
    wanted = RunChange("tag", add_tags=["b", "d"], remove_tags=["c"])
    outcomes = changed(hosted, service, runs, wanted)
    assert {outcome.message for outcome in outcomes} == {"tagged"}
    change = {"add": {"tags": ["b", "d"]}, "remove": {"tags": ["c"]}}
    assert service.batches == [{"filters": {"run_ids": runs}, **change}]
    project, services = hosted
    records = ChangeRecords(project)
    undo = plan_undo(project, "globus", services, records)
    undone = [*undo_change(project, "globus", services, records, undo)]
    assert {outcome.status for outcome in undone} == {"changed"}
    assert [set(service.runs[run_id]["tags"]) for run_id in runs] == [{"a"}, {"a", "b"}, {"c"}]


def test_runs_are_resumed_and_deleted_one_by_one(hosted, service: Service, runs: list[str]) -> None:
    service.runs[runs[0]]["status"] = "INACTIVE"
    [outcome] = changed(hosted, service, runs[:1], RunChange("resume"))
    assert outcome.status == "changed", outcome
    service.end(runs[1], "FAILED", {})
    [outcome] = changed(hosted, service, runs[1:2], RunChange("delete"))
    assert outcome.status == "changed", outcome
    assert runs[1] not in service.runs
    assert service.batches == []


@pytest.mark.parametrize("status", [500, 503, 504])
def test_what_the_service_fails_at_may_have_been_done(
    hosted, service: Service, runs: list[str], status: int
) -> None:
    service.refuse["POST /batch/runs"] = (status, {"error": {"code": "NO", "detail": "later"}})
    with (
        hosted[1].flows.retry_config.tune(max_retries=0),
        pytest.raises(NoAnswerError, match="later"),
    ):
        changed(hosted, service, runs, RunChange("cancel"))


@pytest.mark.parametrize(("status", "is_known"), [(500, False), (503, False), (403, True)])
def test_a_resume_that_the_service_fails_at_may_have_been_done(
    hosted, service: Service, runs: list[str], status: int, is_known: bool
) -> None:
    service.runs[runs[0]]["status"] = "INACTIVE"
    error = {"error": {"code": "NO", "detail": "later"}}
    service.refuse[f"POST /runs/{runs[0]}/resume"] = (status, error)
    with hosted[1].flows.retry_config.tune(max_retries=0):
        [outcome] = changed(hosted, service, runs[:1], RunChange("resume"))
    assert (outcome.status, outcome.is_known) == ("failed", is_known)
    assert set(outcome.document()) == {"run_id", "status", "message", "new_run_id"}


def test_a_run_that_succeeded_meanwhile_is_not_cancelled(
    hosted, service: Service, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def succeed(body: object) -> tuple[int, dict[str, object]]:
        service.end(runs[0], "SUCCEEDED", {"code": "FlowSucceeded"})
        return 202, {}

    monkeypatch.setattr(service, "change_runs", succeed)
    [outcome] = changed(hosted, service, runs[:1], RunChange("cancel"))
    assert (outcome.status, outcome.message) == ("failed", "it has ended meanwhile: SUCCEEDED")


@pytest.mark.parametrize(("age", "is_known"), [(timedelta(), False), (timedelta(hours=1), True)])
def test_an_interrupted_retry_waits_until_the_service_lists_its_runs(
    hosted, service: Service, runs: list[str], age: timedelta, is_known: bool
) -> None:
    project, services = hosted
    service.end(runs[0], "FAILED", {})
    record = ChangeRecord(
        "retry", "globus", "", runs[:1], started_at=(datetime.now(UTC) - age).isoformat()
    )
    changer = RunChanger(project, "globus", services, ChangeRecords(project))
    documents = [dict(service.runs[runs[0]])]
    [outcome] = changer.change(RunChange("retry"), documents, RetryChains(), unfinished=record)
    assert outcome.is_known is is_known
    assert ("may not list it yet" in outcome.message) is not is_known
