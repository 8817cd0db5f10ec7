"""Pages stay as things are now without being loaded again, and say since when they do not."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from headrace.web.app import make_app
from headrace.web.errors import PageMissing, WebError
from headrace.web.page import Action, Done, Page, Part
from headrace.web.security.store import WebStore
from headrace.web.site import Site
from headrace.web.view import View
from tests.support.browser.loopback_server import served
from tests.support.browser.pages import TIMEOUT, Pages
from tests.support.browser.visited_site import COOKIE, VisitedSite
from tests.support.waiting import wait_until
from tests.support.watch_project import Long
from tests.support.web_process import link_in

expect.set_options(timeout=TIMEOUT)

ANSWERS = re.compile("The services do not answer since .* no facility is running")
"""What a server of pages says of a project without a facility."""


class Shown:
    """What a page shows, and how often it was asked and told to act."""

    def __init__(self) -> None:
        self.count = 1
        self.asked = 0
        self.acted: list[str] = []
        self.error: Exception | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()

    def load(self, view: View) -> Mapping[str, Any]:
        self.asked += 1
        self.may_answer.wait(60)
        if self.error is not None:
            raise self.error
        # Read for many who look, and up to two seconds old.
        return {"count": view.site.shared.get("count", 2.0, lambda before: self.count)}

    def act(self, view: View) -> Done:
        self.acted.append(view.form.get("note", ""))
        return Done("it was done")


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def site(shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    root = tmp_path / "project"
    (root / ".headrace").mkdir(parents=True)
    (root / "headrace.toml").write_text("")
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "live.html").write_text(
        '{% extends "base.html" %}{% block main %}{{ part("counter") }}{% endblock %}'
    )
    (templates / "counter.html").write_text(
        '{% from "macros/forms.html" import action_form with context %}'
        '<section id="counter"><p id="count">{{ count }}</p>'
        '<details id="more"><summary>More</summary><p>text</p></details>'
        '<pre id="log">{% for n in range(200) %}line {{ n }}\n{% endfor %}</pre>'
        '{% call action_form("act", "Act", seen="once") %}<label>Note <input name="note"></label>'
        "{% endcall %}</section>"
    )
    from jinja2 import ChoiceLoader, FileSystemLoader

    from headrace.web.rendering import environment

    own = environment().loader
    assert own is not None
    monkeypatch.setattr(
        environment(), "loader", ChoiceLoader([FileSystemLoader(str(templates)), own])
    )
    store = WebStore(root / ".headrace" / "web.db")
    made = Site(root, "local", store, cookie=COOKIE)
    yield made
    made.close()
    store.close()


@pytest.fixture
def live(site: Site, shown: Shown) -> Iterator[VisitedSite]:
    page = Page(
        *("live", "/live", "Live", "live.html"),
        parts=(Part("counter", "counter.html", shown.load, topics=("count",)),),
        actions=(Action("act", shown.act),),
    )
    with served(make_app(site, [page])) as url:
        yield VisitedSite(url, site.store)
        site.close()


def visit(pages: Pages, live: VisitedSite) -> BrowserPage:
    context = pages.new_context()
    live.log_in(context)
    page = context.new_page()
    page.goto(f"{live.url}/live")
    expect(page.locator("#contact")).to_have_text("In contact.")
    return page


def change(site: Site, shown: Shown, count: int) -> None:
    shown.count = count
    site.broadcast.publish(["count"])


def test_a_change_is_shown_and_what_a_person_did_stays(
    pages: Pages, live: VisitedSite, site: Site, shown: Shown
) -> None:
    page = visit(pages, live)
    note = page.get_by_label("Note")
    note.fill("half a wo")
    page.locator("#more").evaluate("one => { one.open = true; }")
    page.locator("#log").evaluate("one => { one.scrollTop = 40; }")
    note.focus()
    change(site, shown, 2)
    expect(page.locator("#count")).to_have_text("2")
    assert note.input_value() == "half a wo"
    assert page.evaluate("document.activeElement.name") == "note"
    assert page.locator("#more").evaluate("one => one.open")
    assert page.locator("#log").evaluate("one => one.scrollTop") == 40
    note.press("Enter")
    expect(page.locator(".outcome")).to_contain_text("it was done")
    assert shown.acted == ["half a wo"]


def test_what_failed_or_was_read_before_its_change_is_asked_for_again(
    pages: Pages, live: VisitedSite, site: Site, shown: Shown
) -> None:
    page = visit(pages, live)
    # Somebody has just read it when it changes; nothing else ever changes.
    site.shared.get("count", 2.0, lambda before: shown.count)
    change(site, shown, 2)
    expect(page.locator("#count")).to_have_text("2")
    shown.error = WebError("the disk is away")
    site.broadcast.publish(["count"])
    expect(page.locator("#counter")).to_contain_text("the disk is away")
    shown.error = None
    expect(page.locator("#count")).to_have_text("2")


def test_a_part_that_does_not_come_is_said_to_be_old(
    pages: Pages, live: VisitedSite, site: Site, shown: Shown
) -> None:
    page = visit(pages, live)
    shown.may_answer.clear()
    change(site, shown, 2)
    expect(page.locator("#contact")).to_have_text(re.compile("no answer since .* UTC"))
    assert page.evaluate("document.body.classList.contains('stale')")
    shown.may_answer.set()
    expect(page.locator("#count")).to_have_text("2")
    expect(page.locator("#contact")).to_have_text("In contact.")


def test_what_is_no_more_is_not_shown_on(
    pages: Pages, live: VisitedSite, site: Site, shown: Shown
) -> None:
    page = visit(pages, live)
    pages.expect("status of 404")
    shown.error = PageMissing("it was deleted")
    site.broadcast.publish(["count"])
    expect(page.locator("main")).to_contain_text("it was deleted")
    assert page.locator("#counter").count() == 0


def test_tabs_share_one_stream_and_hear_all(
    pages: Pages, live: VisitedSite, site: Site, shown: Shown
) -> None:
    first = visit(pages, live)
    others = [first.context.new_page() for _ in range(8)]
    for page in others:
        page.goto(f"{live.url}/live")
        expect(page.locator("#contact")).to_have_text("In contact.")
    assert len(site.broadcast.wanted()) == 1
    change(site, shown, 3)
    for page in (first, *others):
        expect(page.locator("#count")).to_have_text("3")
    first.close()
    change(site, shown, 4)
    for page in others:
        expect(page.locator("#count")).to_have_text("4")


def test_a_double_click_acts_once(pages: Pages, live: VisitedSite, shown: Shown) -> None:
    page = visit(pages, live)
    page.get_by_role("button", name="Act").dblclick()
    expect(page.locator(".outcome")).to_contain_text("it was done")
    assert len(shown.acted) == 1
    page.go_back()
    page.get_by_role("button", name="Act").click()
    expect(page.locator(".outcome")).to_contain_text("it was done")
    assert len(shown.acted) == 1, "the same form, sent again"


def test_a_session_that_ends_shows_the_login(pages: Pages, live: VisitedSite) -> None:
    page = visit(pages, live)
    (session,) = live.store.sessions()
    pages.expect("status of 401")
    live.store.end_session(session["id"])
    expect(page.get_by_role("heading", level=1)).to_contain_text("Log in")


def test_a_server_that_is_killed_is_said_at_once_and_found_again(
    pages: Pages, tmp_path: Path
) -> None:
    pages.expect("Failed to load resource")
    pages.expect("ERR_")
    root = tmp_path / "project"
    root.mkdir()
    (root / "headrace.toml").write_text("")
    web = Long(root, tmp_path / "log", "web")
    web.says("/login#")
    page = pages.open()
    page.goto(link_in(web.text))
    wait_until(lambda: "/login" not in page.url or page.wait_for_timeout(50), "the session")
    page.goto(f"{link_in(web.text).partition('/login')[0]}/record")
    expect(page.locator("#contact")).to_have_text(ANSWERS)
    web.process.kill()
    web.process.wait()
    expect(page.locator("#contact")).to_have_text(re.compile("No contact since .* UTC"))
    assert page.evaluate("document.body.classList.contains('stale')")
    again = Long(root, tmp_path / "again", "web", "--no-link")
    again.says("serves pages")
    expect(page.locator("#contact")).to_have_text(ANSWERS)
    again.process.send_signal(signal.SIGSTOP)
    try:
        expect(page.locator("#contact")).to_have_text(re.compile("No contact since"))
    finally:
        again.process.send_signal(signal.SIGCONT)
    expect(page.locator("#contact")).to_have_text(ANSWERS)
    assert again.ended_by(signal.SIGTERM) == 0
    expect(page.locator("#contact")).to_have_text(re.compile("No contact since"))
