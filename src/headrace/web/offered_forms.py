"""Forms that a page has: whether the one that was sent is still there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from html.parser import HTMLParser
from typing import Final

from headrace.web.page import Action, Page
from headrace.web.rendering import PageRenderer
from headrace.web.view import View

ONCE: Final = "once"
"""Field of a form that says what its person saw."""


def offered(page: Page, action: Action, view: View) -> Collection[str]:
    """Return what a page says now that its person sees, in each form of an action.

    Args:
        page: the page.
        action: the action.
        view: a request for the page.

    Raises:
        HeadraceError: the page cannot be had.
    """
    view.site.forget_shown()
    shown = replace(view, query={}, form={}, fields=(), once="")
    reader = _FormReader(f"do/{action.name}")
    reader.feed(PageRenderer(page, shown, ()).page())
    return reader.found


class _FormReader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._address = address
        self._is_wanted = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            address = given.get("action") or ""
            self._is_wanted = f"/{address}".endswith(f"/{self._address}")
        elif tag == "input" and self._is_wanted and given.get("name") == ONCE:
            self.found.add(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_wanted = False
