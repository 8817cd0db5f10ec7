"""An adjoint-sources run from the form to its figures, by way of a failure, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("obspy", reason="needs the extra `seismic`")

from headrace.facility import stop_facility
from tests.support.adjoint_sources_project import Project
from tests.support.browser.pages import Pages
from tests.support.browser.visitor import WAYS, Visitor
from tests.support.browser.web_server import WebServer


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp("walk") / "project")
    yield project
    stop_facility(project.root)


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[WebServer]:
    server = WebServer(project.root)
    yield server
    server.close()


def fill_form(visitor: Visitor, name: str, config: str) -> None:
    """Write an event's directories where the trigger has placeholders."""
    for field in visitor.page.locator("main input:not([type=hidden])").all():
        text = field.input_value()
        if text == "{path}":
            visitor.fill(field, "/incoming/001/")
        elif "{name}" in text:
            visitor.fill(field, text.replace("{name}", name))
    visitor.fill(visitor.page.locator('[name="v:/processing/config"]'), config)
    visitor.fill(visitor.page.locator('[name="v:/processing/ranks"]'), "1")


@pytest.mark.parametrize("way", WAYS)
def test_a_run_fails_is_mended_and_ends_with_figures(
    project: Project, server: WebServer, pages: Pages, way: str
) -> None:
    config = project.root / "job_scripts" / "adjoint_sources.toml"
    broken = config.with_name("broken.toml")
    broken.write_text(config.read_text().replace("[", "[[", 1))
    label = f"event by {way}"
    visitor = WAYS[way](pages.open(WAYS[way].screen))
    page = visitor.page
    visitor.log_in(server.new_link())
    page.goto(server.url("flows/adjoint_sources/start?trigger=adjoint_sources"))
    fill_form(visitor, way, "job_scripts/broken.toml")
    visitor.fill(page.locator("#run-label"), label)
    visitor.press("Start")
    visitor.sees("h1", label)
    with visitor.loading_nothing():
        visitor.sees("#now", "failed")
        # Its job's words stand on the page.
        visitor.sees("#output", "stderr")
        visitor.sees("#output", "broken.toml")
    broken.write_text(config.read_text())
    visitor.press("Retry")
    visitor.sees("h1", label)
    with visitor.loading_nothing():
        visitor.sees("#now", "succeeded")
        visitor.sees_any("#figures img")
    page.locator("#figures img").first.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#figures img').naturalWidth > 100")
    runs = project.services.read_items("/runs", "runs", {})
    statuses = sorted(run["status"] for run in runs if run["label"] == label)
    assert statuses == ["FAILED", "SUCCEEDED"]
