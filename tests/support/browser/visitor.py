"""Somebody who uses pages: with a mouse, with a keyboard alone, or without JavaScript.

A walk is written once, and done in each of these ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, expect

from tests.support.browser.keyboard import tab_to_element
from tests.support.browser.pages import LIGHT, TIMEOUT, WITHOUT_JAVASCRIPT, Pages
from tests.support.browser.visited_site import VisitedSite
from tests.support.waiting import wait_until


class Visitor:
    """Uses a page with a mouse, and sees it change by itself.

    Args:
        page: an empty page of somebody who has logged in.
    """

    screen = LIGHT

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    def of(cls, pages: Pages, site: VisitedSite) -> Visitor:
        """Return somebody who has logged in to a site."""
        context = pages.new_context(cls.screen)
        site.log_in(context)
        return cls(context.new_page())

    def log_in(self, link: str) -> None:
        """Log in by a link that `headrace web` has printed."""
        self.page.goto(link)
        self.page.get_by_role("heading", level=1, name="Now").wait_for()

    def press(self, name: str, among: str = "main", *, twice: bool = False) -> None:
        """Press the first button of a name.

        Args:
            name: its text, whole.
            among: selector of what it is in.
            twice: press it again at once, as people do who are in a hurry.
        """
        self._press(self._in(among).get_by_role("button", name=name, exact=True).first, twice)

    def follow(self, name: str, among: str = "main") -> None:
        """Follow the first link of a name."""
        self._press(self._in(among).get_by_role("link", name=name, exact=True).first, False)

    def open(self, summary: str) -> None:
        """Open what is hidden below a line."""
        self._press(self.page.locator("summary", has_text=summary), False)

    def fill(self, field: Locator, text: str) -> None:
        """Write into a field what shall stand there."""
        field.fill(text)

    def choose(self, menu: Locator, option: str) -> None:
        """Choose from a menu."""
        menu.select_option(label=option)

    def sees(self, selector: str, words: str | re.Pattern[str]) -> None:
        """Wait until something is on the page and has these words."""
        found = self.page.locator(selector)
        expect(found).to_contain_text(words, timeout=TIMEOUT, use_inner_text=True)

    def sees_any(self, selector: str) -> None:
        """Wait until something is on the page."""
        self.page.locator(selector).first.wait_for(timeout=TIMEOUT)

    def reads_outcome(self, said: str = "Done:") -> str:
        """Return what is said of the form that was sent."""
        outcome = self.page.locator(".outcome", has_text=said).first
        outcome.wait_for(timeout=TIMEOUT)
        return outcome.inner_text()

    @contextmanager
    def loading_nothing(self) -> Iterator[None]:
        """Fail if the page is loaded again meanwhile."""
        loaded = self.page.evaluate("performance.timeOrigin")
        yield
        assert self.page.evaluate("performance.timeOrigin") == loaded

    def _in(self, among: str) -> Locator:
        return self.page.locator(among)

    def _press(self, thing: Locator, twice: bool) -> None:
        if twice:
            thing.dblclick()
        else:
            thing.click()


class KeyboardVisitor(Visitor):
    """Uses a page with a keyboard alone."""

    def fill(self, field: Locator, text: str) -> None:
        """Write into a field what shall stand there."""
        tab_to_element(self.page, field)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, menu: Locator, option: str) -> None:
        """Choose from a menu, with the arrows."""
        tab_to_element(self.page, menu)
        self.page.keyboard.press("Home")
        chosen = "menu => menu.selectedOptions[0].label"
        for _ in range(menu.locator("option").count()):
            if menu.evaluate(chosen) == option:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"the arrows do not come to {option!r}")

    def _press(self, thing: Locator, twice: bool) -> None:
        tab_to_element(self.page, thing)
        self.page.keyboard.press("Enter")
        if twice:
            self.page.keyboard.press("Enter")


class ScriptlessVisitor(Visitor):
    """Uses a page without JavaScript, and loads it again to see what has changed."""

    screen = WITHOUT_JAVASCRIPT

    def log_in(self, link: str) -> None:
        """Log in by the code that is in a link, which no script reads."""
        address, _, code = link.partition("#")
        self.page.goto(address)
        self.page.get_by_label("Code").fill(code)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("heading", level=1, name="Now").wait_for()

    def sees(self, selector: str, words: str | re.Pattern[str]) -> None:
        """Load the page until something is on it and has these words."""
        pattern = words if isinstance(words, re.Pattern) else re.compile(re.escape(words))
        found = self.page.locator(selector)
        self._loads_until(
            lambda: found.count() and pattern.search(found.inner_text()), f"{words} in {selector}"
        )

    def sees_any(self, selector: str) -> None:
        """Load the page until something is on it."""
        self._loads_until(lambda: self.page.locator(selector).count(), selector)

    @contextmanager
    def loading_nothing(self) -> Iterator[None]:
        """Load as often as needed: without JavaScript pages do not change by themselves."""
        yield

    def _loads_until(self, condition: Callable[[], object], what: str) -> None:
        def is_there() -> bool:
            if condition():
                return True
            self.page.reload()
            return False

        wait_until(is_there, what, TIMEOUT / 1000)


WAYS: dict[str, type[Visitor]] = {
    "mouse": Visitor,
    "keyboard": KeyboardVisitor,
    "without_javascript": ScriptlessVisitor,
}
"""Ways to use pages, by their names."""
