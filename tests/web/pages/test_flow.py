"""The pages of flows: drawing, findings, runs and times; each part stands by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.hosted import Services
from headrace.project import Project, load_project
from tests.support.deployments import deploy
from tests.support.flows_service import Service
from tests.support.web import WebSite, words_of

pytest_plugins = ("tests.support.small_project",)


@pytest.fixture
def site(root: Path, services: Services) -> Iterator[WebSite]:
    made = WebSite(root, services=lambda: services)
    yield made
    made.close()


def run(service: Service, flow_id: str, status: str, *seconds: int) -> None:
    """Make a run that was in its state for some seconds, and has ended."""
    run_id = service.start(flow_id, {"body": {}, "label": f"<b>{status}</b>"})["run_id"]
    for second in seconds:
        service.logs[run_id] = [
            {"time": f"2026-05-01T10:00:{at:02}+00:00", "code": code, "details": details}
            for at, code, details in (
                (0, "FlowStarted", {"input": {}}),
                (0, "PassStarted", {"state_name": "Say"}),
                (second, "PassCompleted", {"state_name": "Say"}),
                (second, "FlowSucceeded", {}),
            )
        ]
    service.end(run_id, status, {"code": "FlowSucceeded"})


def test_flows_are_listed_with_their_state(
    site: WebSite, project: Project, services: Services
) -> None:
    assert "not deployed" in words_of(site.get("flows").text)
    deploy(project, services)
    assert "say Say a word deployed" in words_of(site.get("flows?part=table").text)
    (project.flows_dir / "say" / "flow.toml").write_text('title = "<u>Say</u>"\nkeywords = 5\n')
    shown = site.get("flows").text
    assert "faulty" in words_of(shown)
    assert "keywords" in words_of(shown)


def test_a_flow_shows_its_drawing_and_the_states_of_its_runs(
    site: WebSite, project: Project, services: Services, service: Service
) -> None:
    deploy(project, services)
    (flow_id,) = service.flows
    for seconds in (2, 4, 40):
        run(service, flow_id, "SUCCEEDED", seconds)
    run(service, flow_id, "FAILED", 4)
    shown = site.get("flows/say").text
    assert 'data-state="Say"' in shown
    assert "style=" not in shown
    assert "<style" not in shown
    assert "<b>SUCC" not in shown
    words = words_of(shown)
    assert "75 % of the last 4 that have ended have succeeded" in words
    assert "Say Pass 4 4 0 4.0 s 40 s" in words
    logs = [call for call in service.calls if call.endswith("/log")]
    assert len(logs) == 4
    assert "Say Pass 4 4 0" in words_of(site.get("flows/say?part=times").text)
    assert [call for call in service.calls if call.endswith("/log")] == logs


def test_hostile_names_of_states_are_text(site: WebSite, project: Project) -> None:
    state = '<script>alert("x")</script>'
    definition = {"StartAt": state, "States": {state: {"Type": "Pass", "End": True}}}
    (project.flows_dir / "say" / "definition.json").write_text(json.dumps(definition))
    shown = site.get("flows/say")
    assert shown.status_code == 200
    assert "<script>alert" not in shown.text
    assert "alert(" in words_of(shown.text)


def test_findings_follow_the_files(site: WebSite, project: Project) -> None:
    assert "error" not in words_of(site.get("flows/say?part=findings").text)
    path = project.flows_dir / "say" / "definition.json"
    path.write_text(path.read_text().replace('"End": true', '"Next": "Nowhere"'))
    words = words_of(site.get("flows/say?part=findings").text)
    assert "error" in words
    assert "Nowhere" in words


def test_a_deployment_is_seen_as_it_happens(
    site: WebSite, project: Project, services: Services
) -> None:
    shown = site.get("flows/say").text
    assert "not deployed" in words_of(shown)
    assert 'data-part="source" data-topics="project"' in shown
    deploy(project, services)
    assert "At local deployed" in words_of(site.get("flows/say?part=source").text)
    path = project.flows_dir / "say" / "definition.json"
    path.write_text(path.read_text().replace('"Say"', '"Tell"'))
    assert "At local changed" in words_of(site.get("flows/say?part=source").text)
    assert 'data-state="Tell"' in site.get("flows/say?part=drawing").text


def test_a_flow_that_cannot_be_read_still_has_its_page(site: WebSite, project: Project) -> None:
    (project.flows_dir / "say" / "definition.json").write_text("{")
    shown = site.get("flows/say")
    assert shown.status_code == 200
    assert "definition.json" in words_of(shown.text)
    assert "This part cannot be shown" in words_of(shown.text)
    assert "not-json" in shown.text


def test_without_services_the_files_are_shown_and_the_runs_are_missing(
    root: Path, service: Service, services: Services
) -> None:
    deploy(load_project(root), services)
    site = WebSite(root)  # at the facility, which does not run
    words = words_of(site.get("flows/say").text)
    assert "This part cannot be shown" in words
    assert "headrace facility up" in words
    assert "Checker advice" in words
    site.close()


def test_there_is_no_page_of_a_flow_that_is_not_there(site: WebSite) -> None:
    for address in ("flows/nothing", "flows/..", "flows/%2e%2e%2f"):
        assert site.get(address).status_code == 404
