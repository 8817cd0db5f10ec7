"""Runs of campaigns at the hosted service: one by one, found again by their tags, paged by ends."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from headrace.campaigns.driver.project_run_service import ProjectRunService
from headrace.campaigns.driver.run_service import RunAnswer, RunRequest
from headrace.config.errors import ProjectError
from headrace.deploy import apply, plan
from headrace.errors import HeadraceError
from headrace.hosted import Services, services_at
from headrace.project import Project
from tests.support.flows_service import TOKEN, Service
from tests.support.small_project import project, root, service, services

__all__ = ["project", "root", "service", "services"]

BEFORE = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
def hosted(project: Project, services: Services, service: Service) -> ProjectRunService:
    """The project as it is deployed at the hosted service, which another one stands for."""
    apply(plan(project, "local", services), project, services)
    lock = json.loads(project.lock_file.read_text())
    place = lock.get("targets", lock)
    place["globus"] = place["local"]
    project.lock_file.write_text(json.dumps(lock))

    def connect() -> Services:
        return replace(services_at(service.url, TOKEN), url="https://flows.globus.org")

    return ProjectRunService(project, "globus", connect, lambda profile: project)


def request(word: str, *, again: bool = False) -> RunRequest:
    return RunRequest(
        f"headrace:c:0123456789ab:{word}",
        "say",
        {"word": word},
        f"napa {word}",
        ("campaign",),
        may_be_sent=again,
        since=datetime.now(UTC),
    )


def test_each_run_has_its_tag_and_label(hosted: ProjectRunService, service: Service) -> None:
    answers = hosted.start([request("a"), request("b")])
    assert [answer.run_id for answer in answers] == [*service.runs]
    stored = service.runs[answers[0].run_id]
    assert stored["label"] == "napa a"
    assert stored["tags"] == ["campaign", "headrace:c:0123456789ab:a"]
    # Only a facility knows requests by their names.
    assert service.request_ids == [None, None]


def test_a_run_whose_answer_was_lost_is_found_and_not_started_again(
    hosted: ProjectRunService, service: Service, project: Project
) -> None:
    flow_id = project.lock().at("globus").flows["say"].id
    service.lose.add(f"POST /flows/{flow_id}/run")
    with pytest.raises(HeadraceError):
        hosted.start([request("a"), request("b")])
    (lost,) = service.runs
    first, second = hosted.start([request("a", again=True), request("b", again=True)])
    assert first.run_id == lost
    assert len(service.runs) == 2
    assert second.run_id in service.runs


def test_a_run_is_found_again_though_its_flow_and_label_are_others_now(
    hosted: ProjectRunService, service: Service, project: Project
) -> None:
    flow_id = project.lock().at("globus").flows["say"].id
    service.lose.add(f"POST /flows/{flow_id}/run")
    with pytest.raises(HeadraceError):
        hosted.start([request("a")])
    (lost,) = service.runs
    service.runs[lost]["flow_id"] = str(uuid4())
    (found,) = hosted.start([replace(request("a", again=True), label="another")])
    assert found.run_id == lost
    assert [*service.runs] == [lost]


def test_a_name_that_is_unknown_is_refused_and_the_others_are_started(
    hosted: ProjectRunService, service: Service
) -> None:
    wrong = replace(request("a"), body={"word": "a", "function": {"function": "dubble"}})
    missing = replace(request("c"), flow="sya", waits_for_flow=False)
    refused, started, unknown = hosted.start([wrong, request("b"), missing])
    assert "dubble" in refused.problem
    assert "no flow 'sya'" in unknown.problem
    assert [*service.runs] == [started.run_id]


def test_a_flow_that_is_not_deployed_now_is_waited_for(
    hosted: ProjectRunService, service: Service
) -> None:
    missing = replace(request("a"), flow="sya")
    answers = hosted.start([missing, request("b")])
    assert answers[0] == RunAnswer()
    assert [*service.runs] == [answers[1].run_id]
    with pytest.raises(ProjectError, match="no flow 'sya'"):
        hosted.start([missing])


def test_what_the_service_refuses_for_good_is_a_problem(
    hosted: ProjectRunService, service: Service, project: Project
) -> None:
    flow_id = project.lock().at("globus").flows["say"].id
    service.refuse[f"POST /flows/{flow_id}/run"] = (
        422,
        {"error": {"code": "UNPROCESSABLE_ENTITY", "detail": "word: too long"}},
    )
    (answer,) = hosted.start([request("a")])
    assert "word: too long" in answer.problem


def test_open_and_ended_runs_are_told_apart(hosted: ProjectRunService, service: Service) -> None:
    first, second = hosted.start([request("a"), request("b")])
    details = {"code": "FlowSucceeded", "details": {}, "output": {"facts": {"rms": 1}}}
    service.end(first.run_id, "SUCCEEDED", details)
    assert hosted.open_runs(["say"]) == {second.run_id}
    (ended, gone) = hosted.read([first.run_id, second.run_id, "gone"])
    assert (ended.outcome.status, ended.output) == ("SUCCEEDED", {"facts": {"rms": 1}})
    assert (gone.outcome.status, gone.outcome.category) == ("GONE", "lost")
    pages = list(hosted.ended(["say", "not_deployed"], BEFORE, lambda ids: {*ids}))
    assert first.run_id in {run.run_id for page in pages for run in page.runs}
    assert not [run for page in hosted.ended(["say"], BEFORE, lambda ids: ()) for run in page.runs]


def test_runs_are_cancelled_by_few_requests(hosted: ProjectRunService, service: Service) -> None:
    answers = hosted.start([request(word) for word in "abc"])
    hosted.cancel([answer.run_id for answer in answers])
    assert len(service.batches) == 1
    assert hosted.open_runs(["say"]) == set()
