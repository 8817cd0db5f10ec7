"""Fixtures of browser tests; `tests/browser/conftest.py` has them from here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser.chromium import started_chromium
from tests.support.browser.pages import Pages


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests of one file: other files may need ``asyncio.run``."""
    with started_chromium() as browser:
        yield browser


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    """Opens pages; the test fails at its end by what went wrong in them and was not expected."""
    pages = Pages(browser)
    try:
        yield pages
    finally:
        pages.close()
    if pages.problems:
        pytest.fail("\n".join(["in the browser:", *pages.problems]))


@pytest.fixture
def page(pages: Pages) -> Page:
    """An empty page, light, 1280 pixels wide, with JavaScript."""
    return pages.open()
