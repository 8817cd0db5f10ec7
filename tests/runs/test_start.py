from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from headrace.config import ProjectError
from headrace.deploy import apply, plan
from headrace.hosted import HostedError, NoAnswerError, Services, services_at
from headrace.project import Project
from headrace.runs import RunOptions, prepare, send, start
from headrace.runs.query import NO_RESULT, find_run, list_runs, retry_run
from headrace.runs.tags import find_tagged
from headrace.triggers import Arrival
from headrace.triggers.project_run_client import ProjectRunClient
from tests.support.flows_service import TOKEN, Service


@dataclass(frozen=True)
class Rule:
    flow: str = "say"
    label: str = "say {name}"
    tags: tuple[str, ...] = ("from {collection}",)
    input: dict[str, Any] = field(default_factory=lambda: {"word": "{name}"})


ARRIVAL = Arrival("new", "here", "hello", "/incoming/hello/", Path("/nowhere/hello"))


@pytest.fixture
def deployed(project: Project, services: Services) -> Project:
    apply(plan(project, "local", services), project, services)
    return project


def test_names_are_resolved_before_the_run_starts(
    deployed: Project, services: Services, service: Service
) -> None:
    body = {"word": "a", "function": {"function": "double"}}
    run = start(deployed, "local", services, "say", body, label="mine", tags=["t"])
    stored = service.runs[run["run_id"]]
    function_id = deployed.lock().at("local").functions["double"].id
    assert stored["details"]["details"]["input"] == {"word": "a", "function": function_id}
    assert (stored["label"], stored["tags"]) == ("mine", ["t"])


def test_an_input_that_does_not_fit_is_never_sent(
    deployed: Project, services: Services, service: Service
) -> None:
    service.calls.clear()
    with pytest.raises(ProjectError, match="'word' is a required property"):
        start(deployed, "local", services, "say", {})
    assert service.calls == []


def test_an_unknown_flow_lists_the_known_ones(deployed: Project, services: Services) -> None:
    with pytest.raises(ProjectError, match=r"no flow 'sey' in .*known: say"):
        start(deployed, "local", services, "sey", {})


def test_what_is_not_deployed_says_so(project: Project, services: Services) -> None:
    with pytest.raises(ProjectError, match="not deployed at local: run `headrace deploy`"):
        start(project, "local", services, "say", {"word": "a"})


def test_a_flow_that_the_place_has_lost_says_so(
    deployed: Project, services: Services, service: Service
) -> None:
    service.flows.clear()
    with pytest.raises(ProjectError, match="not deployed at local any more"):
        start(deployed, "local", services, "say", {"word": "a"})


def test_a_collection_without_its_directory_is_told(deployed: Project, services: Services) -> None:
    body = {"word": "a", "place": {"collection": "there", "path": "/"}}
    with pytest.raises(ProjectError, match="its root /scratch/there is not a directory"):
        start(deployed, "local", services, "say", body)


def test_the_starter_renders_the_trigger_and_marks_the_run(
    deployed: Project, service: Service
) -> None:
    starter = ProjectRunClient(deployed, "local", lambda: services_at(service.url, TOKEN))
    run_id = starter.start(Rule(), ARRIVAL, "the-tag")
    run = service.runs[run_id]
    assert (run["label"], run["tags"]) == ("say hello", ["from here", "the-tag"])
    assert run["details"]["details"]["input"] == {"word": "hello"}


def test_a_run_whose_answer_was_lost_is_found_by_its_tag(
    deployed: Project, service: Service
) -> None:
    starter = ProjectRunClient(deployed, "local", lambda: services_at(service.url, TOKEN))
    flow_id = deployed.lock().at("local").flows["say"].id
    since = datetime.now(UTC) - timedelta(hours=1)
    assert starter.find("the-tag", since) is None
    service.lose.add(f"POST /flows/{flow_id}/run")
    with pytest.raises(HostedError):
        starter.start(Rule(), ARRIVAL, "the-tag")
    (run_id,) = service.runs
    for _ in range(120):
        starter.start(Rule(), ARRIVAL, "another-tag")
    assert starter.find("the-tag", since) == run_id


def test_a_run_is_found_by_its_tag_though_its_flow_was_deployed_anew(
    deployed: Project, service: Service
) -> None:
    def hosted() -> Services:
        return replace(services_at(service.url, TOKEN), url="https://flows.globus.org")

    starter = ProjectRunClient(deployed, "local", hosted, lambda tag: (Rule(), ARRIVAL))
    since = datetime.now(UTC) - timedelta(hours=1)
    run_id = starter.start(Rule(), ARRIVAL, "the-tag")
    assert starter.find("the-tag", since) == run_id
    service.runs[run_id] |= {"flow_id": str(uuid4()), "label": "as it was called before"}
    assert starter.find("the-tag", since) == run_id
    assert starter.find("nobody's", since) is None


@pytest.mark.parametrize("url", ["", "https://flows.globus.org"])
def test_a_run_is_found_by_its_tag_behind_many_others(
    deployed: Project, services: Services, url: str
) -> None:
    place = replace(services, url=url or services.url)
    since = datetime.now(UTC) - timedelta(hours=1)
    first = start(deployed, "local", services, "say", {"word": "a"}, tags=["mine"])
    for _ in range(110):
        start(deployed, "local", services, "say", {"word": "b"}, tags=["other"])
    found = find_tagged(place, "mine", since, flow_id=first["flow_id"], label="say")
    assert found is not None
    assert found["run_id"] == first["run_id"]
    assert find_tagged(place, "nobody's", since) is None


def test_only_a_facility_is_told_the_name_of_a_request(
    deployed: Project, services: Services, service: Service
) -> None:
    hosted = replace(services, url="https://flows.globus.org")
    for place in (services, hosted):
        start(deployed, "local", place, "say", {"word": "a"}, request_id="the-name")
    assert service.request_ids == ["the-name", None]


@pytest.mark.parametrize("how", ["lose", "garble", ""])
def test_the_hosted_service_starts_one_run_for_a_named_request_that_is_sent_twice(
    deployed: Project, services: Services, service: Service, how: str
) -> None:
    hosted = replace(services, url="https://flows.globus.org")
    prepared = prepare(deployed, "local", "say", {"word": "a"})
    named = RunOptions(tags=["mine"], request_id="the name")
    if how:
        getattr(service, how).add(f"POST /flows/{prepared.flow_id}/run")
        with suppress(NoAnswerError):  # and whoever asked for it asks again
            send(prepared, hosted, named, wait_for_service=True)
    found = [
        send(prepared, hosted, options, wait_for_service=True)["run_id"]
        # Whoever sends it again may call the run otherwise.
        for options in (named, replace(named, label="other"))
    ]
    assert found == [*service.runs] * 2
    other = send(prepared, hosted, replace(named, request_id="x"), wait_for_service=True)
    assert [*service.runs] == [found[0], other["run_id"]]


def test_a_named_start_is_found_again_days_later(
    deployed: Project, services: Services, service: Service
) -> None:
    hosted = replace(services, url="https://flows.globus.org")
    asked: list[str] = []

    def get(path: str, query: Any) -> None:
        asked.append(query.get("filter_start_time", ""))

    prepared = prepare(deployed, "local", "say", {"word": "a"})
    send(prepared, replace(hosted, get=get), RunOptions(request_id="n"), wait_for_service=True)
    [since] = asked
    # A session of the pages, and with it its forms, lasts a week.
    assert datetime.fromisoformat(since.rstrip(",")) < datetime.now(UTC) - timedelta(days=7)


@pytest.mark.parametrize("how", ["lose", ""])
def test_the_hosted_service_starts_one_retry_for_a_named_request_that_is_sent_twice(
    deployed: Project, services: Services, service: Service, how: str
) -> None:
    hosted = replace(services, url="https://flows.globus.org")
    failed = []
    for _ in range(2):
        run_id = start(deployed, "local", hosted, "say", {"word": "a"})["run_id"]
        service.log(run_id, "FlowStarted", input={"word": "a"})
        service.end(run_id, "FAILED", {"code": "FlowFailed"})
        failed.append(run_id)
    if how:
        service.lose.add(f"POST /flows/{service.runs[failed[0]]['flow_id']}/run")

    def retried(run_id: str, name: str) -> str:
        document = retry_run(hosted, "globus", run_id, result=NO_RESULT, request_id=name)
        assert document["retry_of"]["run_id"] == run_id
        return str(document["run_id"])

    with pytest.raises(NoAnswerError) if how else nullcontext():
        retried(failed[0], "the name")
    new = {retried(failed[0], "the name") for _ in range(2)}
    assert len(new) == 1
    # The same name for another run is another retry, as is another name for the same run.
    assert len({*new, retried(failed[1], "the name"), retried(failed[0], "other")}) == 3
    assert len(service.runs) == 5


def test_a_refusal_reaches_the_watcher_in_one_line(deployed: Project, service: Service) -> None:
    starter = ProjectRunClient(deployed, "local", lambda: services_at(service.url, TOKEN))
    flow_id = deployed.lock().at("local").flows["say"].id
    refusal = (403, {"error": {"code": "FORBIDDEN", "detail": "Missing permissions: RUN."}})
    service.refuse[f"POST /flows/{flow_id}/run"] = refusal
    with pytest.raises(HostedError, match=r"^Missing permissions: RUN \(.* 403 FORBIDDEN\)"):
        starter.start(Rule(), ARRIVAL, "t")


def test_runs_are_found_by_the_beginning_of_their_id(deployed: Project, services: Services) -> None:
    first = start(deployed, "local", services, "say", {"word": "a"})["run_id"]
    second = start(deployed, "local", services, "say", {"word": "b"})["run_id"]
    assert find_run(services, "last") == second
    assert find_run(services, first[:13]) == first
    with pytest.raises(ProjectError, match="no run begins with 'zz': see `headrace run list`"):
        find_run(services, "zz")
    with pytest.raises(ProjectError, match="no run begins with 'lsat': did you mean 'last'\\? see"):
        find_run(services, "lsat")
    with pytest.raises(ProjectError, match=f"did you mean '{first[:12]}'\\? see"):
        find_run(services, f"{first[:11]}z")
    with pytest.raises(ProjectError, match=f"the newest run with this label is {second}; see"):
        find_run(services, "say")
    with pytest.raises(ProjectError, match="2 runs begin with ''"):
        find_run(services, "")
    assert len(list_runs(deployed, "local", services, limit=1)) == 1
