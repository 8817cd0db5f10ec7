"""The start form: what was typed is checked as `headrace start` does, and starts one run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from headrace.deploy import apply, plan
from headrace.hosted import Services
from headrace.project import Project
from headrace.runs import launch
from tests.support.deployments import deploy
from tests.support.flows_service import Service
from tests.support.web import WebSite, forms_of, words_of

pytest_plugins = ("tests.support.small_project",)

START = "flows/say/start"


@pytest.fixture
def site(root: Path, services: Services) -> Iterator[WebSite]:
    made = WebSite(root, services=lambda: services)
    yield made
    made.close()


@pytest.fixture
def deployed(project: Project, services: Services) -> None:
    deploy(project, services)


@pytest.mark.usefixtures("deployed")
def test_a_form_starts_one_run_however_often_it_is_sent(site: WebSite, service: Service) -> None:
    form = next(form for form in forms_of(site.get(START).text) if form.action == "start")
    fields = {"v:/word": "hello", "v:/count": "5", "label": "My run", "tags": "a, b c"}
    first, second = (site.resend(START, form, **fields) for _ in range(2))
    (run,) = service.runs.values()
    assert first.headers["location"] == second.headers["location"]
    assert f"runs/{run['run_id']}" in first.headers["location"]
    assert run["details"]["details"]["input"] == {"word": "hello", "count": 5}
    assert (run["label"], run["tags"]) == ("My run", ["a", "b c"])
    assert service.request_ids[0]


@pytest.mark.usefixtures("deployed")
def test_a_lost_answer_is_asked_for_again_by_the_same_name(site: WebSite, service: Service) -> None:
    form = next(form for form in forms_of(site.get(START).text) if form.action == "start")
    flow = next(iter(service.flows))
    service.lose = {f"POST /flows/{flow}/run"}
    told = site.resend(START, form, **{"v:/word": "hello"})
    assert told.status_code == 422
    # It may have been started: the form that is shown again starts it once, by its name.
    assert "Not known" in words_of(told.text)
    site.resend(START, form, **{"v:/word": "hello"})
    assert len(service.request_ids) == 2
    assert len(set(service.request_ids)) == 1


@pytest.mark.parametrize("how", ["lose", "garble"])
def test_a_lost_answer_of_the_hosted_service_starts_one_run(
    root: Path, project: Project, services: Services, service: Service, how: str
) -> None:
    hosted = replace(services, url="https://flows.globus.org")
    apply(plan(project, "globus", hosted), project, hosted)
    site = WebSite(root, "globus", services=lambda: hosted)
    form = next(form for form in forms_of(site.get(START).text) if form.action == "start")
    getattr(service, how).add(f"POST /flows/{next(iter(service.flows))}/run")
    for _ in range(2):
        told = site.resend(START, form, preflight="", **{"v:/word": "hello"})
    site.close()
    (run_id,) = service.runs
    assert f"runs/{run_id}" in told.headers["location"]


def test_a_start_that_the_hosted_service_may_not_list_yet_is_made_again_later_alone(
    root: Path,
    project: Project,
    services: Services,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosted = replace(services, url="https://flows.globus.org")
    apply(plan(project, "globus", hosted), project, hosted)
    site = WebSite(root, "globus", services=lambda: hosted)
    form = next(form for form in forms_of(site.get(START).text) if form.action == "start")
    # The answer is lost, and no list has the run: only its service knows of it.
    monkeypatch.setattr(launch, "find_tagged", lambda *_, **__: None)
    monkeypatch.setattr(launch, "create_once", lambda client, call, find: call())
    service.lose.add(f"POST /flows/{next(iter(service.flows))}/run")
    for _ in range(2):
        told = site.resend(START, form, preflight="", **{"v:/word": "hello"})
        assert "Not known:" in words_of(told.text)
        assert 'value="hello"' in told.text
    assert "the service may not list it yet" in words_of(told.text)
    assert len(service.runs) == 1
    monkeypatch.setattr(launch, "_LISTED_WITHIN", timedelta())
    told = site.resend(START, form, preflight="", **{"v:/word": "hello"})
    site.close()
    assert told.status_code == 303
    assert len(service.runs) == 2


@pytest.mark.usefixtures("deployed")
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    site: WebSite, service: Service
) -> None:
    typed = {"v:/word": '<script>alert("x")</script>', "v:/count": "several", "label": "<i>l</i>"}
    told = site.send_form(START, "start", **typed)
    assert told.status_code == 422
    assert "'several' is not of type 'integer'" in words_of(told.text)
    assert "<script>alert" not in told.text
    assert "<i>l</i>" not in told.text
    (form,) = [form for form in forms_of(told.text) if form.action == "start"]
    assert {name: form.fields[name] for name in typed} == typed
    assert not service.runs
    mended = site.resend(f"{START}/do/start", form, **{"v:/count": "7"})
    assert mended.status_code == 303
    assert len(service.runs) == 1


def test_a_flow_that_is_not_deployed_is_told_with_the_way_out(site: WebSite) -> None:
    told = site.send_form(START, "start", **{"v:/word": "hello"})
    assert "not deployed at local: run `headrace deploy`" in words_of(told.text)


@pytest.mark.usefixtures("deployed")
def test_check_only_starts_nothing_and_is_in_no_record(site: WebSite, service: Service) -> None:
    (form,) = [form for form in forms_of(site.get(START).text) if form.action == "start"]
    form.address = form.address.replace("/do/start", "/do/check")
    told = site.resend(START, form, **{"v:/word": "hello"})
    assert "input" in words_of(told.text)
    assert "the checker finds nothing" in words_of(told.text)
    assert not service.runs
    assert not site.store.recorded_actions()


def test_items_are_added_without_scripts(site: WebSite, root: Path) -> None:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"words": {"title": "Words", "type": "array", "items": {"type": "string"}}},
    }
    (root / "flows" / "say" / "input_schema.json").write_text(json.dumps(schema))
    (form,) = [form for form in forms_of(site.get(START).text) if form.action == "start"]
    form.address = form.address.replace("/do/start", "/do/edit")
    shown = site.resend(START, form, add="/words")
    (form,) = [form for form in forms_of(shown.text) if form.action == "start"]
    form.address = form.address.replace("/do/start", "/do/edit")
    shown = site.resend(f"{START}/do/edit", form, add="/words", **{"v:/words/0": "one"})
    (form,) = [form for form in forms_of(shown.text) if form.action == "start"]
    assert form.fields["v:/words/0"] == "one"
    assert form.fields["v:/words/1"] == ""
    form.address = form.address.replace("/do/start", "/do/edit")
    shown = site.resend(f"{START}/do/edit", form, remove="/words/1")
    (form,) = [form for form in forms_of(shown.text) if form.action == "start"]
    assert "v:/words/1" not in form.fields


@pytest.mark.usefixtures("deployed")
def test_the_form_begins_with_the_input_of_a_run(
    site: WebSite, service: Service, project: Project
) -> None:
    site.send_form(START, "start", **{"v:/word": "hello"})
    (run_id,) = service.runs
    endpoint = project.endpoint_id("machine", "local")
    service.log(run_id, "FlowStarted", input={"word": "from before", "function": endpoint})
    shown = site.get(f"{START}?run={run_id}").text
    (form,) = [form for form in forms_of(shown) if form.action == "start"]
    assert form.fields["v:/word"] == "from before"
    assert 'value="endpoint:machine" selected' in shown


def test_the_form_begins_with_the_input_of_a_trigger(site: WebSite, root: Path) -> None:
    (root / "data").mkdir(exist_ok=True)
    (root / "triggers" / "new.toml").write_text(
        '[watch]\ncollection = "here"\npath = "/"\n'
        '[start]\nflow = "say"\n[start.input]\nword = "{name}"\n'
    )
    assert "start?trigger=new" in site.get(START).text
    shown = site.get(f"{START}?trigger=new").text
    (form,) = [form for form in forms_of(shown) if form.action == "start"]
    assert form.fields["v:/word"] == "{name}"
    assert site.get(f"{START}?trigger=other").status_code == 404


def test_who_looks_gets_no_form_and_starts_nothing(root: Path, services: Services) -> None:
    site = WebSite(root, services=lambda: services, role="look")
    page = site.get(START)
    assert [form.action for form in forms_of(page.text) if "/do/" in form.address] == []
    token = forms_of(page.text)[0].fields["form_token"]
    for action in ("start", "check", "edit"):
        answer = site.request("POST", f"{START}/do/{action}", form={"form_token": token})
        assert answer.status_code == 403
    site.close()


def test_a_flow_that_is_not_there_is_told(site: WebSite) -> None:
    assert site.get("flows/nothing/start").status_code == 404
