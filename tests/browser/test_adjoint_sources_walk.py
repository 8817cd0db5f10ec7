"""An adjoint-sources run from the form to its figures, by way of a failure, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("obspy", reason="needs the extra `seismic`")

from playwright.sync_api import Page, expect

from headrace.facility import stop_facility
from tests.support.adjoint_sources_project import Project
from tests.support.browser.pages import Pages
from tests.support.browser.web_server import WebServer

LONG = 180_000


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


def fill_form(page: Page, config: str) -> None:
    """Write an event's name and directory where the trigger has placeholders."""
    for field in page.locator("main input:not([type=hidden])").all():
        text = field.input_value()
        if "{name}" in text or "{path}" in text:
            field.fill(text.replace("{name}", "001").replace("{path}", "/incoming/001/"))
    page.locator('[name="v:/processing/config"]').fill(config)
    page.locator('[name="v:/processing/ranks"]').fill("1")


def test_a_run_fails_is_mended_and_ends_with_figures(
    project: Project, server: WebServer, pages: Pages
) -> None:
    config = project.root / "job_scripts" / "adjoint_sources.toml"
    broken = config.with_name("broken.toml")
    broken.write_text(config.read_text().replace("[", "[[", 1))
    page = pages.open()
    page.goto(server.link)
    page.get_by_role("heading", level=1, name="Now").wait_for()
    page.goto(server.url("flows/adjoint_sources/start?trigger=adjoint_sources"))
    fill_form(page, "job_scripts/broken.toml")
    page.locator("#run-label").fill("walked event")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("walked event", timeout=LONG)
    loads = page.evaluate("performance.timeOrigin")
    # Watched to its end without a reload; its job's words stand on the page.
    expect(page.locator("#now")).to_contain_text("failed", timeout=LONG)
    expect(page.locator("#output")).to_contain_text("broken.toml", timeout=LONG)
    assert page.evaluate("performance.timeOrigin") == loads
    broken.write_text(config.read_text())
    retry = page.locator('form[action$="/do/retry"]').first
    retry.get_by_role("button").click()
    expect(page.locator("#now")).to_contain_text("succeeded", timeout=LONG)
    figure = page.locator("#figures img").first
    figure.scroll_into_view_if_needed(timeout=LONG)
    page.wait_for_function("document.querySelector('#figures img').naturalWidth > 100")
    statuses = sorted(run["status"] for run in project.services.read_items("/runs", "runs", {}))
    assert statuses == ["FAILED", "SUCCEEDED"]
