"""What browser tests share: Chromium and its pages."""

from __future__ import annotations

from tests.support.browser.fixtures import browser, page, pages

__all__ = ["browser", "page", "pages"]
