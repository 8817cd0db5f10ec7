"""The pages of endpoints: what is known is shown, whoever does not answer; actions as commands."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.scheduler import Job, JobState
from headrace.endpoints.monitor.heartbeat import write_heartbeat
from headrace.hosted import Services
from headrace.project import Project
from headrace.web.pages import endpoint
from tests.support.flows_service import Service
from tests.support.ids import an_id
from tests.support.repository import REPOSITORY
from tests.support.web import WebSite, forms_of, rows_of, words_of

pytest_plugins = ("tests.support.small_project",)


class EndpointService(Service):
    """A service that hosts endpoints, as the facility does."""

    def __init__(self) -> None:
        super().__init__()
        self.details: dict[str, Any] = {}
        self.document: dict[str, Any] = {}
        self.changed: list[str] = []

    def route(self, method: str, path: list[str], query: dict[str, str], body: Any) -> Any:
        match method, path:
            case "GET", ["v2", "endpoints", _, "status"]:
                return 200, {"status": "online", "details": self.details}
            case "GET", ["v2", "endpoints", _] if self.document:
                return 200, self.document
            case "POST", ["v2", "endpoints", _, "drain" | "undrain" | "restart" as what]:
                self.changed.append(what)
                drain = {"since": "2026-05-01T10:00:00Z", "tasks_left": 2, "held_back": 3}
                if what != "restart":
                    self.details["drain"] = drain if what == "drain" else None
                return 200, {"restarted": True}
        return super().route(method, path, query, body)


@pytest.fixture
def service() -> Iterator[EndpointService]:
    with EndpointService() as running:
        assert isinstance(running, EndpointService)
        yield running


@pytest.fixture
def site(root: Path, services: Services) -> Iterator[WebSite]:
    made = WebSite(root, services=lambda: services)
    yield made
    made.close()


HOSTILE = '<img src=x onerror="alert(1)">'


def busy(number: int) -> dict[str, Any]:
    return {
        "task_id": an_id(f"task {number}"),
        "function": f"{HOSTILE}{number}",
        "node": "node-3",
        "pid": number,
        "since": time.time() - 90,
        "cancelled": False,
        "run_id": an_id("run"),
    }


def test_workers_and_what_they_do_are_shown(site: WebSite, service: EndpointService) -> None:
    service.details = {
        **{"state": "busy", "workers": 100, "tasks": {"running": 70, "waiting": 1200}, "pid": 77},
        "busy": [busy(number) for number in range(70)],
        "jobs": ["4711", "4712"],
        "warning": HOSTILE,
    }
    listed = words_of(site.get("endpoints").text)
    assert "machine busy hosted by the facility 100 70 70 running, 1,200 waiting" in listed
    shown = site.get("endpoints/machine")
    words = words_of(shown.text)
    assert "100: 70 busy, 30 free" in words
    assert "and 20 more" in words
    assert "<img" not in shown.text
    assert f"runs/{an_id('run')}" in shown.text
    assert "4712 not in the queue" in words
    assert len(shown.content) < 300_000


def test_the_time_that_batch_jobs_have_left_is_shown(
    site: WebSite, service: EndpointService, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [
        Job("4711", JobState.RUNNING, nodes="nid1", seconds_left=5_400.0),
        Job("4712", JobState.RUNNING, nodes="nid2", seconds_left=math.inf),
        Job("4713", JobState.PENDING, "Resources"),
    ]
    monkeypatch.setattr(endpoint, "queued_jobs", lambda: jobs)
    service.details = {"state": "busy", "jobs": ["4711", "4712", "4713"]}
    rows = rows_of(site.get("endpoints/machine?part=blocks").text, "blocks")
    assert [row[3] for row in rows] == ["", "no limit", "1 h 30 min"]


def test_versions_of_an_endpoint_and_its_workers_are_shown(
    site: WebSite, service: EndpointService
) -> None:
    def shown() -> str:
        return site.get("endpoints/machine?part=versions").text

    assert "does not report versions" in words_of(shown())
    service.document = {"endpoint_version": "4.0.0", "python_version": "3.11.7", "metadata": None}
    assert rows_of(shown(), "versions") == [["endpoint", "3.11.7", "4.0.0"]]
    assert "while there are some" in words_of(shown())
    workers = [{"python": "3.11.2", "parsl": HOSTILE}]
    service.details = {"versions": {"headrace": "1.0"}, "worker_versions": workers}
    assert rows_of(shown(), "versions") == [
        ["endpoint", "1.0", "3.11.7", "4.0.0", ""],
        ["workers", "", "3.11.2", "", HOSTILE],
    ]
    node = {"parsl_version": "2026.1", "python_version": "3.12.1", "sdk_version": None}
    service.details = {"node_info": {"4711": [node, node], "4712": [5, node]}}
    assert rows_of(shown(), "versions")[1:] == [["workers", "3.12.1", "", "2026.1"]]


def test_the_monitors_record_and_the_log_are_shown(site: WebSite, project: Project) -> None:
    assert "the monitor has never run" in words_of(site.get("endpoints").text)
    rows = [
        {"name": "machine", "health": "sick", "action": "wait", "message": f"canary {HOSTILE}"},
        {"name": "other", "health": "healthy", "action": "none", "message": ""},
    ]
    write_heartbeat(project, rows, time.time() - 130)
    assert "2 min ago" in words_of(site.get("endpoints").text)
    part = site.get("endpoints/machine?part=monitor")
    assert "sick" in words_of(part.text)
    assert "other" not in words_of(part.text)
    assert "<img" not in part.text
    directory = _hosted_directory(project)
    directory.mkdir(parents=True)
    lines = [f"line {number} {HOSTILE}" for number in range(100_000)]
    (directory / "host.log").write_text("\n".join(lines) + "\n")
    part = site.get("endpoints/machine?part=log")
    assert "line 99999" in part.text
    assert "line 99919 " not in part.text
    assert "<img" not in part.text


def _hosted_directory(project: Project) -> Path:
    from headrace.endpoints.installation import hosted_directory

    return hosted_directory(project, "machine")


def test_an_endpoint_is_drained_restarted_and_takes_tasks_again(
    site: WebSite, service: EndpointService, project: Project
) -> None:
    template = project.templates_dir / "local"
    shutil.copytree(REPOSITORY / "endpoint_configs" / "local", template, dirs_exist_ok=True)
    service.details = {"state": "ready", "workers": 2}
    drain = next(
        form for form in forms_of(site.get("endpoints/machine").text) if form.action == "drain"
    )
    for _ in range(2):
        done = site.resend("endpoints/machine", drain)
    words = words_of(site.follow("endpoints/machine/do/drain", done).text)
    assert service.changed == ["drain"]
    assert "Done: endpoint machine drained: new tasks wait" in words
    assert "draining: 2 tasks left, 3 held back" in words
    assert "tester, drain" in words
    site.send_form("endpoints/machine", "restart")
    site.send_form("endpoints/machine", "undrain")
    assert service.changed == ["drain", "restart", "undrain"]
    assert [one.subject for one in site.store.recorded_actions()] == ["machine"] * 3


def test_an_action_that_fails_says_why(site: WebSite, service: EndpointService) -> None:
    service.refuse = {}
    answer = site.send_form("endpoints/machine", "canary")
    words = words_of(site.follow("endpoints/machine/do/canary", answer).text)
    assert "Not done: endpoint machine: the canary" in words


def test_without_a_facility_what_the_files_say_is_shown(root: Path) -> None:
    site = WebSite(root)
    words = words_of(site.get("endpoints").text)
    assert "What the services know is missing" in words
    assert "machine no facility is running" in words
    shown = site.get("endpoints/machine")
    assert shown.status_code == 200
    assert "no facility is running" in words_of(shown.text)
    site.close()


def test_at_globus_an_endpoint_that_was_not_created_here_says_so(
    root: Path, services: Services
) -> None:
    site = WebSite(root, "globus", services=lambda: services)
    words = words_of(site.get("endpoints").text)
    assert "not created here" in words
    page = words_of(site.get("endpoints/machine").text)
    assert "not created here" in page
    assert "is on the machine where the endpoint runs" in page
    assert "headrace endpoint create machine --at globus" in page
    site.close()


def test_jobs_that_the_service_does_not_report_are_not_none(
    site: WebSite, service: EndpointService
) -> None:
    def jobs() -> str:
        return words_of(site.get("endpoints/machine?part=blocks").text)

    service.details = {"state": "busy"}
    assert "does not report the batch jobs" in jobs()
    service.details = {"state": "busy", "jobs": []}
    assert "has submitted no batch jobs" in jobs()


def test_an_endpoint_that_is_not_there_has_no_page(site: WebSite) -> None:
    assert site.get("endpoints/nothing").status_code == 404


def test_who_looks_changes_nothing(
    root: Path, services: Services, service: EndpointService
) -> None:
    site = WebSite(root, services=lambda: services, role="look")
    shown = site.get("endpoints/machine").text
    assert [form for form in forms_of(shown) if "/do/" in form.address] == []
    token = forms_of(shown)[0].fields["form_token"]
    for action in ("start", "stop", "restart", "drain", "undrain", "canary"):
        form = {"form_token": token, "once": "1"}
        assert site.request("POST", f"endpoints/machine/do/{action}", form=form).status_code == 403
    assert service.changed == []
    assert json.dumps(service.changes()) == "[]"
    site.close()
