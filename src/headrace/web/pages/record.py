"""Record of actions: who did what on these pages, when, and from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace.web.errors import NotAllowed
from headrace.web.page import Action, Done, Page, Part
from headrace.web.view import View

_ROWS: Final = 50


def _load_actions(view: View) -> Mapping[str, Any]:
    before = view.query.get("before", "")
    number = int(before) if before.isdecimal() and len(before) < 19 else None
    rows = view.site.store.recorded_actions(number, _ROWS)
    older = rows[-1].id if len(rows) == _ROWS else None
    return {"rows": rows, "older": older}


def _load_sessions(view: View) -> Mapping[str, Any]:
    return {"rows": view.site.store.sessions()}


def _end_session(view: View) -> Done:
    number = view.form.get("session", "")
    if not number.isdecimal() or not view.site.store.end_session(int(number)):
        raise NotAllowed(f"session {number} has ended already")
    return Done(f"session {number} has ended", subject=f"session {number}")


PAGE = Page(
    name="record",
    path="/record",
    title="Record of actions",
    template="record/page.html",
    parts=(
        Part("actions", "record/actions.html", _load_actions, topics=("record",), every=10.0),
        Part("sessions", "record/sessions.html", _load_sessions, topics=("record",), every=30.0),
    ),
    actions=(Action("end_session", _end_session),),
    menu="Record",
    rank=900,
)
