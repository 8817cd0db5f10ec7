"""The way in, by a link, by keyboard and without scripts, and what others are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from headrace.web.pages import record
from tests.support.browser.accessibility import check_accessibility
from tests.support.browser.keyboard import check_keyboard, tab_to
from tests.support.browser.pages import DARK, LIGHT, NARROW, WITHOUT_JAVASCRIPT, Pages, Screen
from tests.support.browser.visited_site import COOKIE, VisitedSite, served_site

screens = pytest.mark.parametrize("screen", [LIGHT, DARK, NARROW], ids=lambda screen: screen.name)

HOME = replace(record.PAGE, path="/")
"""A page that needs no facility, in the place of the first one."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VisitedSite]:
    root = tmp_path_factory.mktemp("project") / "inversion"
    root.mkdir()
    (root / "headrace.toml").write_text("")
    with served_site(root, [HOME]) as site:
        yield site


@screens
def test_what_is_shown_to_those_who_are_not_in(
    pages: Pages, site: VisitedSite, screen: Screen
) -> None:
    pages.expect("status of 401")
    page = pages.open(screen)
    for address in ("/login", "/"):
        page.goto(site.url + address)
        assert page.inner_text("h1") == "Log in to inversion"
        check_accessibility(page)
        assert [stop.name for stop in check_keyboard(page)] == ["Code", "Log in"]


@screens
def test_what_is_not_there(pages: Pages, site: VisitedSite, screen: Screen) -> None:
    pages.expect("status of 404")
    context = pages.new_context(screen)
    site.log_in(context)
    page = context.new_page()
    page.goto(f"{site.url}/nowhere")
    assert page.locator("main h1").count() == 1
    check_accessibility(page)
    check_keyboard(page)


def test_a_link_logs_in_once_and_leaves_no_code_in_the_address(
    pages: Pages, site: VisitedSite
) -> None:
    code = site.store.make_code("steer", "tester")
    context = pages.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/login#{code}")
    page.get_by_role("button", name="Log out").wait_for()
    assert code not in page.url
    [cookie] = [one for one in context.cookies() if one["name"] == COOKIE]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""
    page.go_back()
    assert code not in page.url
    pages.expect("status of 403")
    another = pages.open()
    another.goto(f"{site.url}/login#{code}")
    another.get_by_text("was used already").wait_for()
    check_accessibility(another)


@pytest.mark.parametrize("screen", [LIGHT, WITHOUT_JAVASCRIPT], ids=lambda screen: screen.name)
def test_a_code_is_entered_by_keyboard(pages: Pages, site: VisitedSite, screen: Screen) -> None:
    page = pages.open(screen)
    page.goto(f"{site.url}/login")
    if screen.javascript:
        tab_to(page, "Code")
    else:
        page.keyboard.press("Tab")
    page.keyboard.type(site.store.make_code("look", "tester"))
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out").wait_for()
    assert "looks only" in page.inner_text("header")
