"""A change of a run that is refused, or that comes after its end, is not told as done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.hosted import Services
from headrace.project import Project
from headrace.runs import parallel_requests, start
from tests.support.deployments import deploy
from tests.support.flows_service import Service
from tests.support.web import Form, WebSite, forms_of, words_of

pytest_plugins = ("tests.support.small_project",)

REFUSED = (409, {"error": {"code": "CONFLICT", "detail": "it is not so"}})


@pytest.fixture
def site(root: Path, services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebSite]:
    monkeypatch.setattr(parallel_requests, "connect", lambda project, target: services)
    made = WebSite(root, services=lambda: services)
    yield made
    made.close()


@pytest.fixture
def run_id(project: Project, services: Services) -> str:
    deploy(project, services)
    return str(start(project, "local", services, "say", {"word": "a"})["run_id"])


@pytest.fixture
def on_change(
    service: Service, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Has the run changed by itself when a change of it comes, which is refused."""

    def set_up(status: str, code: str, **members: Any) -> None:
        def change(body: object) -> Any:
            service.end(run_id, status, {"code": code})
            service.runs[run_id].update(members)
            return REFUSED

        monkeypatch.setattr(service, "change_runs", change)

    return set_up


def form_of(site: WebSite, run_id: str, action: str) -> Form:
    forms = forms_of(site.get(f"runs/{run_id}").text)
    return next(form for form in forms if form.action == action)


def told_of(site: WebSite, run_id: str, form: Form) -> str:
    page = f"runs/{run_id}"
    return words_of(site.follow(f"{page}/do/{form.action}", site.resend(page, form)).text)


def test_a_run_that_succeeded_by_itself_was_not_cancelled(
    site: WebSite, run_id: str, on_change: Callable[..., None]
) -> None:
    on_change("SUCCEEDED", "FlowSucceeded")
    told = told_of(site, run_id, form_of(site, run_id, "cancel"))
    assert "Not done: it is not so" in told


def test_a_run_that_is_cancelled_was_cancelled_whatever_the_answer(
    site: WebSite, run_id: str, on_change: Callable[..., None]
) -> None:
    on_change("FAILED", "FlowCanceled")
    told = told_of(site, run_id, form_of(site, run_id, "cancel"))
    assert "Done: it has ended" in told


def test_a_run_that_has_ended_does_not_go_on(
    site: WebSite, service: Service, run_id: str, on_change: Callable[..., None]
) -> None:
    service.runs[run_id]["held_at"] = service.moment()
    on_change("FAILED", "FlowCanceled", held_at=None)
    told = told_of(site, run_id, form_of(site, run_id, "release"))
    assert "it goes on" not in told
    assert "Not known: it is not so" in told
    assert "it has ended: FAILED" in told


@pytest.mark.parametrize("action", ["cancel", "release"])
def test_what_is_left_as_it_is_was_not_done(
    site: WebSite, service: Service, services: Services, root: Path, run_id: str, action: str
) -> None:
    service.runs[run_id]["held_at"] = service.moment() if action == "release" else None
    form = form_of(site, run_id, action)
    service.end(run_id, "SUCCEEDED", {"code": "FlowSucceeded"})
    # Another process reads the run anew.
    other = WebSite(root, services=lambda: services)
    other.cookie = site.cookie
    assert "Not done: it has ended: SUCCEEDED" in told_of(other, run_id, form)
    other.close()
    assert not service.batches


def test_a_run_that_was_cancelled_meanwhile_was_not_released(
    site: WebSite, service: Service, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.runs[run_id]["held_at"] = service.moment()
    form = form_of(site, run_id, "release")
    service.end(run_id, "FAILED", {"code": "FlowCanceled"})
    # As a facility does: those that have ended stay as they are.
    monkeypatch.setattr(service, "change_runs", lambda body: (202, {}))
    assert "Not known: it has ended meanwhile: FAILED" in told_of(site, run_id, form)
