"""Templates and libraries that are read before the first requests."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from headrace.project import Project
from headrace.web.errors import WebError
from headrace.web.page import Page, Part
from headrace.web.page_registry import all_pages
from headrace.web.preparation import prepare_pages, start_preparation
from headrace.web.rendering import environment
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
