"""Pages at ``globus``, a facility in the place of the services: what is shown, and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.project import Project, connect, load_project
from headrace.runs import BatchedRun, start_batch
from tests.support.chosen_runs import FLOWS, write_flow
from tests.support.hosted_developer import Developer
from tests.support.waiting import wait_until
from tests.support.web import WebSite, words_of
from tests.support.web_runs import running_project, sent

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    place = tmp_path_factory.mktemp("hosted")
    for name in ("facility", "mine", "home"):
        (place / name).mkdir()
    with running_project(place / "facility"), pytest.MonkeyPatch.context() as patch:
        root = place / "mine"
        (root / "headrace.toml").write_text("")
        write_flow(root, "fail", FLOWS["fail"])
        developer = Developer(root, place / "facility", place / "home")
        developer("deploy")
        for name, value in developer.environment.items():
            patch.setenv(name, value)
        yield load_project(root, target="globus")


@pytest.fixture
def web(hosted: Project) -> Iterator[WebSite]:
    site = WebSite(hosted.root, "globus")
    yield site
    site.close()


@pytest.fixture
def run_id(hosted: Project) -> str:
    services = connect(hosted, "globus")
    flow = hosted.lock().at("globus").flows["fail"].id
    [answer] = start_batch(services, flow, [BatchedRun({"cause": "no node"}, label="hosted")])

    def has_failed() -> bool:
        return bool(services.read(f"/runs/{answer.run_id}")["status"] == "FAILED")

    wait_until(has_failed, "the run to fail")
    return str(answer.run_id)


def test_runs_are_listed_shown_and_retried(web: WebSite, run_id: str) -> None:
    assert "no node" in words_of(web.get("runs?cause=node").text)
    shown = words_of(web.get(f"runs/{run_id}").text)
    assert "no node" in shown
    assert "failed here" in shown
    retried = words_of(sent(web, f"runs/{run_id}", "retry"))
    assert f"this run takes up {run_id}" in retried


def test_what_the_hosted_services_do_not_tell_says_so(
    web: WebSite, run_id: str, hosted: Project
) -> None:
    page = web.get("runs").text
    assert "not told at globus" in words_of(page)
    assert "verb=hold" not in page
    assert "verb=cancel" in page
    refused = web.get("runs/change?verb=hold")
    assert refused.status_code == 501
    assert "has no call that holds a run" in words_of(refused.text)
    now = words_of(web.get("").text)
    assert "no node" in now
    assert "not told at globus" in now


def test_web_inputs_are_asked_for_there(web: WebSite) -> None:
    assert "Nothing is asked." in words_of(web.get("web-inputs").text)


def test_without_a_login_every_page_says_which(
    hosted: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GLOBUS_CLIENT_ID", "GLOBUS_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    site = WebSite(hosted.root, "globus")
    for page in ("", "runs", "web-inputs"):
        answer = site.get(page)
        assert answer.status_code == 200
        assert "headrace login" in words_of(answer.text) or "GLOBUS_CLIENT_ID" in answer.text
    site.close()
