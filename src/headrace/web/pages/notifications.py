"""Notifications: by which channels people are told, what they were told, what waits; a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace.config.notify_table import notify_events
from headrace.errors import HeadraceError
from headrace.notifications.send import destinations
from headrace.notifications.trial import notification_records, send_trial
from headrace.web.page import Action, Done, Page, Part
from headrace.web.view import View

_ROWS: Final = 50


def _load_channels(view: View) -> Mapping[str, Any]:
    settings = view.project.config.notify
    return {
        "channels": list(destinations(settings).values()),
        "events": sorted(notify_events(settings)),
        "once": view.new_once(),
    }


def _load_waiting(view: View) -> Mapping[str, Any]:
    return {"rows": notification_records(view.site.root, _ROWS, waiting=True), "most": _ROWS}


def _load_records(view: View) -> Mapping[str, Any]:
    text = view.query.get("before", "")
    before = int(text) if text.isdecimal() and len(text) < 19 else None
    rows = notification_records(view.site.root, _ROWS, before=before)
    return {"rows": rows, "older": rows[-1]["number"] if len(rows) == _ROWS else None}


def _test(view: View) -> Done:
    project, channel = view.project, view.form.get("channel") or None

    def work() -> Done:
        found = send_trial(project.config.notify, project.name, project.root, channel)
        failed = [f"{each.channel} has not taken it: {each.error}" for each in found if each.error]
        taken = [each.channel for each in found if each.taken]
        if failed:
            raise HeadraceError("; ".join([*failed, *(f"{each} has" for each in taken)]))
        return Done(f"a message was taken by {', '.join(taken)}", subject=channel or "all channels")

    return view.site.long_actions.begin("test message", "a message is being sent", work)


PAGE: Final = Page(
    name="notifications",
    path="/notifications",
    title="Notifications",
    template="notifications/page.html",
    parts=(
        Part("channels", "notifications/channels.html", _load_channels),
        Part(
            *("waiting", "notifications/waiting.html", _load_waiting),
            topics=("notifications",),
            every=15.0,
        ),
        Part(
            *("records", "notifications/records.html", _load_records),
            topics=("notifications",),
            every=15.0,
        ),
    ),
    actions=(Action("test", _test),),
    menu="Notifications",
    rank=810,
)
