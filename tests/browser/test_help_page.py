"""Help in Chromium: a search, a section, and a block of code that is copied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from tests.support.browser.pages import LIGHT, Pages
from tests.support.browser.visited_site import VisitedSite, served_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[VisitedSite]:
    (tmp_path / "headrace.toml").write_text('name = "waves"\n')
    with served_site(tmp_path) as site:
        yield site


@pytest.fixture
def reader(pages: Pages, site: VisitedSite) -> BrowserPage:
    context = pages.new_context(LIGHT)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    site.log_in(context)
    return context.new_page()


def test_a_section_is_found_and_its_code_is_copied(reader: BrowserPage, site: VisitedSite) -> None:
    reader.goto(f"{site.url}/help")
    reader.get_by_label("Words").fill("tunnels and bookmarks")
    reader.get_by_role("button", name="Search").click()
    reader.locator(".found a").first.click()
    expect(reader.get_by_role("heading", level=1)).to_have_text("Pages in a browser")
    block = reader.locator("article.help pre").first
    reader.locator("article.help button.copy").first.click()
    expect(reader.locator("article.help button.copy").first).to_have_text("Copied")
    assert reader.evaluate("navigator.clipboard.readText()") == block.text_content()
