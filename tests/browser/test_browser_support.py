"""What browser tests rely on: that they fail by what is wrong in a page, and by nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser.accessibility import accessibility_violations, check_accessibility
from tests.support.browser.chromium import find_chromium
from tests.support.browser.keyboard import check_keyboard, tab_to, tab_to_element
from tests.support.browser.loopback_server import served
from tests.support.browser.page_weight import weigh
from tests.support.browser.pages import (
    DARK,
    NARROW,
    SCREENS,
    WITHOUT_JAVASCRIPT,
    Pages,
    Screen,
    is_loopback,
)
from tests.support.browser.small_site import STYLE, small_site
from tests.support.layers import LAYERS
from tests.support.repository import REPOSITORY
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with served(small_site()) as url:
        yield url


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_page_that_is_right_passes(pages: Pages, site: str, screen: Screen) -> None:
    page = pages.open(screen)
    page.goto(f"{site}/right")
    check_accessibility(page)
    assert [stop.name for stop in check_keyboard(page)] == [
        "Again",
        "Name",
        "Small",
        "Send",
        "More",
    ]
    pages.close()
    assert pages.problems == []


def test_screens_are_what_they_say(pages: Pages, site: str) -> None:
    dark, narrow, scriptless = (pages.open(screen) for screen in (DARK, NARROW, WITHOUT_JAVASCRIPT))
    for page in (dark, narrow, scriptless):
        page.goto(f"{site}/right")
    assert dark.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(0, 0, 0)"
    assert narrow.evaluate("innerWidth") == 360
    assert narrow.inner_text("#said") == "scripts run"
    assert scriptless.inner_text("#said") == "no scripts"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("console_error", "console: the console knows"),
        ("script_error", "script: the script fails"),
        ("inline_script", "refused by the policy: Executing inline script"),
        ("inline_style", "refused by the policy: Applying inline style"),
        ("missing_picture", "console: Failed to load resource"),
        ("elsewhere", "request elsewhere: http://192.0.2.1/picture.png"),
    ],
)
def test_what_goes_wrong_unseen_is_a_problem(
    pages: Pages, site: str, name: str, problem: str
) -> None:
    pages.open().goto(f"{site}/{name}")
    pages.close()
    assert [one for one in pages.problems if one.startswith(problem)], pages.problems
    pages.expect(".")
    assert pages.problems == []


def test_a_test_fails_by_a_problem(pytester: pytest.Pytester, site: str) -> None:
    find_chromium()
    pytester.makeconftest("from tests.support.browser.fixtures import browser, page, pages")
    pytester.makepyfile(
        test_a=f"""
        def test_wrong(page):
            page.goto("{site}/console_error")

        def test_right(page):
            page.goto("{site}/right")

        def test_wrong_but_expected(pages):
            pages.expect("console knows")
            pages.open().goto("{site}/console_error")
        """,
        test_b="""
        import asyncio

        def test_the_file_after_it_has_the_event_loop_for_itself():
            asyncio.run(asyncio.sleep(0))
        """,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(REPOSITORY))
        done = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    done.assert_outcomes(passed=4, errors=1)
    done.stdout.fnmatch_lines(["*console: the console knows*"])


def test_without_chromium_tests_skip_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        find_chromium()
    monkeypatch.setenv("HEADRACE_CHROMIUM", "/nowhere/chromium")
    with pytest.raises(FileNotFoundError, match="HEADRACE_CHROMIUM names no program: /nowhere"):
        find_chromium()


def test_browser_tests_are_of_the_layer_browser(request: pytest.FixtureRequest) -> None:
    marks = {mark.name for mark in request.node.iter_markers()}
    assert marks & set(LAYERS) == {"browser"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pale", ("color-contrast: .pale: Element has insufficient color contrast",)),
        ("small", ('target-height: <button class="low">', "30 px of 44")),
        ("unlabelled", ("label: input: ", "Element does not have an implicit")),
        ("wide", ("reflow: the page needs 12", 'of 360: <p class="wide">')),
    ],
)
def test_a_violation_names_rule_element_and_reason(
    pages: Pages, site: str, name: str, words: tuple[str, ...]
) -> None:
    page = pages.open(NARROW)
    page.goto(f"{site}/{name}")
    (line,) = accessibility_violations(page)
    for word in words:
        assert word in line
    with pytest.raises(AssertionError, match="1 violations"):
        check_accessibility(page)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("unseen_focus", r'no focus to be seen: <a class="unseen"'),
        ("covered", r"has the focus off the screen: <a href"),
        ("skipped", r'not reached: <div role="button"'),
        ("unlabelled", r'has no name: <input name="what"'),
    ],
)
def test_what_the_keyboard_cannot_do_is_named(
    page: Page, site: str, name: str, problem: str
) -> None:
    page.goto(f"{site}/{name}")
    if name == "unlabelled":
        page.evaluate("document.querySelector('input').removeAttribute('name')")
        problem = "has no name: <input"
    with pytest.raises(AssertionError, match=problem):
        check_keyboard(page)


def test_a_thing_is_found_by_its_name_and_used(page: Page, site: str) -> None:
    page.goto(f"{site}/right")
    tab_to(page, "Name")
    page.keyboard.type("aftershock")
    assert tab_to(page, "Send").tag == "button"
    page.keyboard.press("Enter")
    page.wait_for_url("**/right?name=aftershock&size=s")
    with pytest.raises(AssertionError, match="Tab does not come to 'Inside'"):
        tab_to(page, "Inside")


def test_an_element_is_reached_from_any_place(page: Page, site: str) -> None:
    page.goto(f"{site}/right")
    tab_to_element(page, page.get_by_role("button", name="Send"))
    # It comes before, so that the way leads over the end of the page.
    tab_to_element(page, page.get_by_label("Name"))
    assert page.evaluate("document.activeElement.labels[0].innerText") == "Name"
    with pytest.raises(AssertionError, match="Tab does not come to"):
        tab_to_element(page, page.locator("h1"))


def test_a_page_is_weighed_from_an_empty_cache(page: Page, site: str) -> None:
    page.goto(f"{site}/right")
    weight = weigh(page, f"{site}/right")
    assert {url.removeprefix(site) for url in weight.bodies} == {
        "/right",
        "/style.css",
        "/said.js",
    }
    assert weight.bodies[f"{site}/style.css"] == len(STYLE)
    assert weight.bytes == sum(weight.bodies.values())
    assert weight.requests == 3
    assert 0 < weight.first_paint <= weight.first_contentful_paint
    assert "/style.css" in str(weight)


def test_addresses_of_this_machine() -> None:
    for url in ("http://127.0.0.1:1/", "http://[::1]/", "ws://localhost/", "data:,", "blob:a"):
        assert is_loopback(url)
    for url in ("http://192.0.2.1/", "https://example.org/", "http://127.0.0.1.example.org/"):
        assert not is_loopback(url)


def test_names_of_other_machines_have_no_address(pages: Pages, site: str) -> None:
    """Whatever a page asks for, nothing leaves the machine."""
    pages.expect("request elsewhere: http://example.org")
    pages.expect("ERR_NAME_NOT_RESOLVED")
    page = pages.open()
    page.goto(f"{site}/right")
    with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://example.org/")


def test_it_ends_with_the_process_that_started_it(browser: Browser) -> None:
    """Nothing is left where the tests are killed."""
    program = (
        "import time\nfrom tests.support.browser.chromium import started_chromium\n"
        "with started_chromium() as browser:\n"
        "    browser.new_page()\n    print('started', flush=True)\n    time.sleep(300)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        begun = psutil.Process(process.pid).children(recursive=True)
        assert any("chrom" in one.name() for one in begun)
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not any(_runs(one) for one in begun), "the end of what the browser started")


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
