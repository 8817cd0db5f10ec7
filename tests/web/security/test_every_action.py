"""Attacks on every action of every page: who only looks, other sites, forms of nobody."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.web.page import Action, Done, Page
from headrace.web.page_registry import all_pages
from headrace.web.security.session import Session
from headrace.web.view import View
from tests.support.web import WebSite, words_of

ACTIONS = [(page, action) for page in all_pages() for action in page.actions]

every_action = pytest.mark.parametrize(
    ("page", "action"), ACTIONS, ids=[f"{page.name}-{action.name}" for page, action in ACTIONS]
)


class Watched:
    """An action in the place of a page's own, that remembers whether it was done."""

    def __init__(self, page: Page, action: Action) -> None:
        self.done: list[str] = []
        self._name = action.name
        kept = tuple(each for each in page.actions if each.name != action.name)
        self.page = replace(page, actions=(*kept, replace(action, run=self.run)))

    def run(self, view: View) -> Done:
        self.done.append(view.address)
        return Done("done")

    @property
    def address(self) -> str:
        """Address of its form, with something for each parameter."""
        path = re.sub(r"\{[^}]*\}", "x", self.page.path).rstrip("/")
        return f"{path}/do/{self._name}"


def token_of(site: WebSite) -> str:
    return Session(0, "look", "", site.cookie.partition("=")[2]).form_token


def test_there_are_actions() -> None:
    assert ("record", "end_session") in [(page.name, action.name) for page, action in ACTIONS]


@every_action
def test_who_only_looks_does_nothing(web_root: Path, page: Page, action: Action) -> None:
    watched = Watched(page, action)
    web = WebSite(web_root, pages=[watched.page], role="look")
    form = {"form_token": token_of(web), "once": "1"}
    answer = web.request("POST", watched.address, form=form)
    assert answer.status_code == 403
    assert "lets you look, not steer" in words_of(answer.text)
    assert watched.done == []
    (recorded,) = web.store.recorded_actions()
    assert (recorded.state, recorded.label) == ("failed", "tester")
    web.close()


@every_action
def test_no_other_site_has_it_done(web_root: Path, page: Page, action: Action) -> None:
    watched = Watched(page, replace(action, changes_nothing=False))
    web = WebSite(web_root, pages=[watched.page])
    form = {"form_token": token_of(web), "once": "1"}
    elsewhere = [
        {"origin": "http://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1:9999", "sec-fetch-site": "same-site"},
        {"host": "evil.example:8765", "origin": "http://evil.example:8765"},
    ]
    for headers in elsewhere:
        assert web.request("POST", watched.address, form=form, headers=headers).status_code == 403
    for token in ("", "0" * 64, Session(0, "steer", "", "of another").form_token):
        stolen = {**form, "form_token": token}
        assert web.request("POST", watched.address, form=stolen).status_code == 403
    cookie = web.cookie.replace("headrace_8765", "headrace_9999")
    assert web.request("POST", watched.address, form=form, cookie=cookie).status_code == 401
    assert web.get(watched.address).status_code in (404, 405)
    assert watched.done == []
    assert web.request("POST", watched.address, form=form).status_code == 303
    assert len(watched.done) == 1, "by its owner it is done"
    web.close()
