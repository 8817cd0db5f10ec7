"""Templates and libraries that are read before the first requests."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from headrace.project import Project
from headrace.web import preparation
from headrace.web.errors import WebError
from headrace.web.page import Page, Part
from headrace.web.page_registry import all_pages
from headrace.web.preparation import prepare_pages, start_preparation
from headrace.web.rendering import environment
from headrace.web.view import View
from tests.support.web import WebSite

PROJECT = 'name = "tides"\n[collections.workstation]\nroot = "data"\n'


@pytest.fixture
def web(tmp_path: Path) -> WebSite:
    (tmp_path / "headrace.toml").write_text(PROJECT)
    return WebSite(tmp_path)


def test_templates_of_all_pages_are_compiled(web: WebSite) -> None:
    environment.cache_clear()
    prepare_pages(web.site, all_pages())
    assert environment().cache is not None
    compiled = {str(name) for _, name in environment().cache}
    for page in all_pages():
        assert page.template in compiled
        assert {part.template for part in page.parts} <= compiled


def test_a_page_reads_the_project_once(web: WebSite) -> None:
    prepared: list[str] = []

    def prepare(project: Project) -> None:
        prepared.append(project.config.name)

    page = Page("tides", "/tides", "Tides", "problem.html", prepare=prepare)
    start_preparation(web.site, [page]).join()
    assert prepared == ["tides"]


def test_what_cannot_be_prepared_is_left_to_its_page(
    web: WebSite, caplog: pytest.LogCaptureFixture
) -> None:
    prepared: list[str] = []

    def refuse(project: Project) -> None:
        raise WebError("no tide gauge answers")

    def prepare(project: Project) -> None:
        prepared.append(project.config.name)

    part = Part("gone", "no_such_module:gone.html", lambda view: {})
    pages = [
        Page("low", "/low", "Low", "problem.html", parts=(part,), rank=1, prepare=refuse),
        Page("high", "/high", "High", "problem.html", rank=2, prepare=prepare),
    ]
    with caplog.at_level(logging.INFO, "headrace.web.preparation"):
        prepare_pages(web.site, pages)
    assert prepared == ["tides"]
    assert "page low is not prepared: no tide gauge answers" in caplog.text
    assert "no module no_such_module" in caplog.text


def test_preparation_gives_way_to_requests(web: WebSite, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = threading.Event()
    page = Page(
        *("tides", "/tides", "Tides", "problem.html"), prepare=lambda project: prepared.set()
    )
    monkeypatch.setattr(preparation, "_MOST_SECONDS", 60.0)
    with web.site.under_way, web.site.under_way:
        thread = start_preparation(web.site, [page])
        assert not web.site.under_way.wait_for_none(0.01)
        assert not prepared.is_set()
    thread.join()
    assert prepared.is_set()
    assert web.site.under_way.wait_for_none(0.0)


def test_preparation_goes_on_where_requests_never_end(
    web: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[str] = []
    page = Page(
        *("tides", "/tides", "Tides", "problem.html"),
        prepare=lambda project: prepared.append(project.config.name),
    )
    monkeypatch.setattr(preparation, "_MOST_SECONDS", 0.01)
    with web.site.under_way:
        prepare_pages(web.site, [page])
    assert prepared == ["tides"]


def test_a_page_is_under_way_while_it_is_made(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text(PROJECT)
    seen: list[bool] = []

    def load(view: View) -> dict[str, str]:
        seen.append(view.site.under_way.wait_for_none(0.0))
        return {"message": "", "kind": "problem"}

    site = WebSite(tmp_path, pages=[Page("tides", "/tides", "Tides", "problem.html", load=load)])
    site.get("tides")
    assert seen == [False]
    assert site.site.under_way.wait_for_none(0.0)
