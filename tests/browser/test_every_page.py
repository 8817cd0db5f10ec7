"""Every page: without violations of axe-core in each colour and width, by keyboard alone, light."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page as BrowserPage

from headrace.web.page import Page
from headrace.web.page_registry import all_pages
from tests.support.browser.accessibility import ALL, COLOURS, LAYOUT, accessibility_violations
from tests.support.browser.keyboard import check_keyboard
from tests.support.browser.page_weight import weigh
from tests.support.browser.pages import DARK, LIGHT, NARROW, WITHOUT_JAVASCRIPT, Pages, Screen
from tests.support.browser.visited_project import VisitedProject
from tests.support.browser.visited_site import VisitedSite, served_site
from tests.support.page_addresses import addresses

MOST_BYTES = 300_000
CONTENTS = """() => [...document.querySelectorAll('h1, h2, h3, a[href], form')].map(one => [
    one.localName, one.getAttribute('href') ?? one.getAttribute('action') ?? one.innerText])"""

every_page = pytest.mark.parametrize("of", all_pages(), ids=lambda page: page.name)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VisitedProject]:
    project = VisitedProject(tmp_path_factory.mktemp("pages") / "inversion")
    yield project
    project.close()


@pytest.fixture(scope="module")
def site(project: VisitedProject) -> Iterator[VisitedSite]:
    with served_site(project.root) as site:
        yield site


@pytest.fixture
def urls(of: Page, site: VisitedSite, project: VisitedProject) -> list[str]:
    """URLs of a page."""
    found = [site.url + address for address in addresses(of, project)]
    if not found:
        pytest.skip("needs the libraries of a pipeline")
    return found


def visitor(pages: Pages, site: VisitedSite, screen: Screen = LIGHT) -> BrowserPage:
    """Return an empty page of somebody who has logged in."""
    context = pages.new_context(screen)
    site.log_in(context)
    return context.new_page()


def set_screen(page: BrowserPage, screen: Screen) -> None:
    page.emulate_media(color_scheme="dark" if screen.colours == "dark" else "light")
    page.set_viewport_size({"width": screen.width, "height": screen.height})


@every_page
def test_axe_finds_nothing(pages: Pages, site: VisitedSite, urls: list[str]) -> None:
    page = visitor(pages, site)
    found = []
    for url in urls:
        page.goto(url)
        for screen, rules in ((LIGHT, ALL), (DARK, COLOURS), (NARROW, LAYOUT)):
            set_screen(page, screen)
            found += [
                f"{url}, {screen.name}: {line}" for line in accessibility_violations(page, rules)
            ]
        set_screen(page, LIGHT)
    assert not found, "\n".join(found)


@every_page
def test_the_keyboard_reaches_all(pages: Pages, site: VisitedSite, urls: list[str]) -> None:
    page = visitor(pages, site, NARROW)
    for url in urls:
        page.goto(url)
        stops = check_keyboard(page)
        assert stops[0].name == "To the content"
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


@every_page
def test_a_page_is_light(pages: Pages, site: VisitedSite, urls: list[str]) -> None:
    for url in urls:
        weight = weigh(visitor(pages, site), url)
        assert weight.bytes < MOST_BYTES, f"{url}: {weight}"


@every_page
def test_a_page_is_complete_without_scripts(
    pages: Pages, site: VisitedSite, urls: list[str]
) -> None:
    """All that one reads and may do with scripts is there without them."""
    scripted, plain = (visitor(pages, site, screen) for screen in (LIGHT, WITHOUT_JAVASCRIPT))
    for url in urls:
        found = contents(plain, url)
        assert found == contents(scripted, url)
        assert [kind for kind, _ in found].count("h1") == 1


def contents(page: BrowserPage, url: str) -> list[tuple[str, str]]:
    """Return the headings, links and forms of a page, in their order."""
    answer = page.goto(url)
    assert answer is not None
    assert answer.status == 200
    return [(kind, what) for kind, what in page.evaluate(CONTENTS)]
