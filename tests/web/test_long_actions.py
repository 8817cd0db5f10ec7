"""What takes long is answered soon; its outcome is in the record when there is one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.errors import HeadraceError
from headrace.web import Action, Done, Page, View
from tests.support.waiting import wait_until
from tests.support.web import WebSite, forms_of, words_of


class Machine:
    """A thing whose change ends when a test says so."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.problem = ""
        self.changes = 0

    def change(self, view: View) -> Done:
        return view.site.long_actions.begin(
            "machine", "machine is being changed", self._work, answer_seconds=0.01
        )

    def _work(self) -> Done:
        self.changes += 1
        assert self.may_end.wait(20)
        if self.problem:
            raise HeadraceError(self.problem)
        return Done("machine is changed")

    @property
    def page(self) -> Page:
        return Page(
            "machine",
            "/machine",
            "Machine",
            "tests/machine.html",
            load=lambda view: {"seen": view.query.get("seen", "")},
            actions=(Action("change", self.change),),
        )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    from jinja2 import ChoiceLoader, DictLoader

    from headrace.web.rendering import environment

    template = (
        '{% extends "base.html" %}{% from "macros/forms.html" import action_form with context %}'
        '{% block main %}{{ action_form("change", "Change", seen="seen " ~ seen) }}{% endblock %}'
    )
    loader = environment().loader
    assert loader is not None
    own = DictLoader({"tests/machine.html": template})
    monkeypatch.setattr(environment(), "loader", ChoiceLoader([loader, own]))
    made = Machine()
    yield made
    made.may_end.set()


@pytest.fixture
def site(machine: Machine, web_root: Path) -> Iterator[WebSite]:
    made = WebSite(web_root, pages=(machine.page,))
    yield made
    machine.may_end.set()
    made.close()


def ended(site: WebSite) -> bool:
    return site.store.recorded_actions()[0].state != "begun"


def test_the_answer_does_not_wait_and_the_record_gets_the_outcome(
    site: WebSite, machine: Machine
) -> None:
    form = next(form for form in forms_of(site.get("machine").text) if form.action == "change")
    first = site.resend("machine", form)
    assert "Under way: machine is being changed" in words_of(
        site.follow("machine/do/change", first).text
    )
    second = site.resend("machine", form)
    machine.may_end.set()
    wait_until(lambda: ended(site), "the action to end")
    assert "Done: machine is changed" in words_of(site.follow("machine/do/change", second).text)
    assert machine.changes == 1


def test_a_failure_is_told_in_the_record(site: WebSite, machine: Machine) -> None:
    machine.problem = "the disk is full"
    answer = site.send_form("machine", "change")
    machine.may_end.set()
    wait_until(lambda: ended(site), "the action to end")
    assert "Not done: the disk is full" in words_of(site.follow("machine/do/change", answer).text)


def test_one_change_at_a_time(site: WebSite, machine: Machine) -> None:
    site.send_form("machine?seen=1", "change")
    answer = site.send_form("machine?seen=2", "change")
    words = words_of(site.follow("machine/do/change", answer).text)
    assert "Not done: machine is being changed: wait until that is done" in words
    machine.may_end.set()
    wait_until(lambda: site.store.recorded_actions()[1].state == "done", "the action to end")
    again = site.send_form("machine?seen=3", "change")
    wait_until(lambda: ended(site), "the action to end")
    assert "Done" in words_of(site.follow("machine/do/change", again).text)
