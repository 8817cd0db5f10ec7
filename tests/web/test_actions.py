"""Actions of forms are done once, by those who may, and each is in the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.errors import HeadraceError
from headrace.hosted import NoAnswerError
from headrace.web import Action, Done, Page, Part
from headrace.web.page import Again, repeatable
from headrace.web.view import View
from tests.support.web import WebSite, forms_of, words_of


class Counter:
    """A thing that forms change."""

    def __init__(self) -> None:
        self.changes: list[str] = []
        self.problem = ""

    def add(self, view: View) -> Done:
        if self.problem:
            raise HeadraceError(self.problem)
        self.changes.append(view.form["by"])
        return Done(f"added {view.form['by']}", subject=view.form["by"])

    @property
    def page(self) -> Page:
        return Page(
            "counter",
            "/things/{thing}",
            "Counter",
            "tests/counter.html",
            load=lambda view: {"count": len(self.changes)},
            parts=(Part("count", "tests/count.html", lambda view: {"count": len(self.changes)}),),
            actions=(Action("add", self.add),),
        )


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    from jinja2 import ChoiceLoader, DictLoader

    from headrace.web.rendering import environment

    templates = {
        "tests/counter.html": (
            '{% extends "base.html" %}'
            '{% from "macros/forms.html" import action_form with context %}'
            '{% block main %}{{ part("count") }}'
            '{{ action_form("add", "Add", seen=count, fields={"by": "one"}) }}{% endblock %}'
        ),
        "tests/count.html": '<p id="count">{{ count }} changes</p>',
    }
    loader = environment().loader
    assert loader is not None
    monkeypatch.setattr(environment(), "loader", ChoiceLoader([loader, DictLoader(templates)]))
    return Counter()


@pytest.fixture
def site(counter: Counter, web_root: Path) -> Iterator[WebSite]:
    made = WebSite(web_root, pages=(counter.page,))
    yield made
    made.close()


def test_a_form_that_is_sent_twice_is_one_action(site: WebSite, counter: Counter) -> None:
    form = next(form for form in forms_of(site.get("things/a").text) if form.action == "add")
    first, second = (site.resend("things/a", form) for _ in range(2))
    assert counter.changes == ["one"]
    assert first.headers["location"] == second.headers["location"]
    assert "Done: added one" in words_of(site.follow("things/a/do/add", second).text)


def test_an_action_at_one_target_is_none_at_the_other(
    site: WebSite, counter: Counter, web_root: Path
) -> None:
    """Both have a campaign of the same name, whose state was seen under the same number."""
    elsewhere = WebSite(web_root, "globus", pages=(counter.page,))
    form = next(form for form in forms_of(site.get("things/a").text) if form.action == "add")
    other = next(form for form in forms_of(elsewhere.get("things/a").text) if form.action == "add")
    assert form.fields["once"] == other.fields["once"]
    site.resend("things/a", form)
    elsewhere.resend("things/a", other)
    assert counter.changes == ["one", "one"]
    for each in (site, elsewhere):
        assert len(each.store.recorded_actions()) == 1
    elsewhere.close()


def test_what_was_seen_anew_may_be_done_anew_and_other_things_are_others(
    site: WebSite, counter: Counter
) -> None:
    for thing in ("a", "a", "b"):
        site.send_form(f"things/{thing}", "add")
    assert len(counter.changes) == 3


def test_what_failed_is_told_and_may_be_tried_again(site: WebSite, counter: Counter) -> None:
    counter.problem = "the disk is full: make room"
    form = next(form for form in forms_of(site.get("things/a").text) if form.action == "add")
    told = site.follow("things/a/do/add", site.resend("things/a", form))
    assert "Not done: the disk is full: make room" in words_of(told.text)
    counter.problem = ""
    site.resend("things/a", form)
    assert counter.changes == ["one"]


def test_what_a_service_may_have_done_is_not_known_and_not_done_again(
    site: WebSite, counter: Counter
) -> None:
    def add_and_lose_the_answer(view: View) -> Done:
        counter.changes.append("lost")
        raise NoAnswerError("the facility does not answer")

    form = next(form for form in forms_of(site.get("things/a").text) if form.action == "add")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Counter, "add", lambda self, view: add_and_lose_the_answer(view))
        other = WebSite(site.site.root, pages=(counter.page,))
        other.cookie = site.cookie
        told = words_of(other.follow("things/a/do/add", other.resend("things/a", form)).text)
        other.close()
    assert "Not known: the facility does not answer" in told
    # The page shows what was done, and has the form no more.
    told = words_of(site.follow("things/a/do/add", site.resend("things/a", form)).text)
    assert "Not known" in told
    assert counter.changes == ["lost"]
    site.send_form("things/a", "add")
    assert counter.changes == ["lost", "one"]


def test_what_was_tried_again_in_vain_may_have_been_done_before(
    site: WebSite, counter: Counter, web_root: Path
) -> None:
    answers = [
        Again({"count": 0}, "the facility does not answer", is_known=False),
        Again({"count": 0}, "the disk is full"),
    ]
    page = replace(counter.page, actions=(Action("add", lambda _: answers.pop(0), repeatable),))
    other = WebSite(web_root, pages=(page,))
    other.cookie = site.cookie
    form = next(form for form in forms_of(site.get("things/a").text) if form.action == "add")
    told = [words_of(other.resend("things/a", form).text) for _ in range(2)]
    other.close()
    assert "Not known: the facility does not answer" in told[0]
    assert "Not known: the disk is full" in told[1]
    assert [each.state for each in site.store.recorded_actions()] == ["unknown"]


def test_who_looks_may_not_steer(site: WebSite, counter: Counter) -> None:
    mine = site.cookie
    site.cookie = site.log_in("look", "colleague")
    assert [
        form.action for form in forms_of(site.get("things/a").text) if "/do/" in form.address
    ] == []
    token = forms_of(site.get("things/a").text)[0].fields["form_token"]
    answer = site.request(
        "POST", "things/a/do/add", form={"form_token": token, "once": "0", "by": "two"}
    )
    assert answer.status_code == 403
    assert "lets you look, not steer" in words_of(answer.text)
    assert counter.changes == []
    site.cookie = mine
    site.send_form("things/a", "add")
    newest, refused = site.store.recorded_actions()
    assert (refused.label, refused.state, refused.action) == ("colleague", "failed", "add")
    assert (newest.label, newest.state, newest.subject) == ("tester", "done", "one")


def test_a_form_of_another_session_is_refused(site: WebSite, counter: Counter) -> None:
    form = next(form for form in forms_of(site.get("things/a").text) if form.action == "add")
    site.cookie = site.log_in()
    assert site.resend("things/a", form).status_code == 403
    assert counter.changes == []


def test_a_part_comes_alone_and_only_when_it_has_changed(site: WebSite) -> None:
    first = site.get("things/a?part=count")
    assert first.text == '<p id="count">0 changes</p>'
    tag = {"if-none-match": first.headers["etag"]}
    assert site.get("things/a?part=count", headers=tag).status_code == 304
    site.send_form("things/a", "add")
    assert site.get("things/a?part=count", headers=tag).text == '<p id="count">1 changes</p>'


def test_an_action_that_a_killed_process_began_may_be_done(
    site: WebSite, counter: Counter, web_root: Path
) -> None:
    form = next(form for form in forms_of(site.get("things/a").text) if form.action == "add")

    class Killed(BaseException):
        pass

    def die(view: View) -> Done:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counter, "add", die)
        other_app = WebSite(web_root, pages=(counter.page,))
        other_app.cookie = site.cookie
        patch.setattr(other_app.store, "end_action", lambda *values: None)
        with pytest.raises(Killed):
            other_app.resend("things/a", form)
        other_app.close()
    site.resend("things/a", form)
    assert counter.changes == ["one"]
