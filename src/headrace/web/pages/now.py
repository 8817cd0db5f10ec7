"""Now: whether somebody must act, and what waits for a person first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace.config import ProjectError
from headrace.facility import FacilityError, find_address
from headrace.project_status.run_figures import ACTIVITIES
from headrace.runs.cause_template import readable_template
from headrace.web.page import Action, Done, Page, Part, repeatable
from headrace.web.site import STATUS_TOPIC
from headrace.web.view import View
from headrace.web.views.endpoint_states import endpoint_mark, needs_a_look
from headrace.web.views.notices import Notices, notice_key
from headrace.web.views.run_selection import selection_query
from headrace.web.views.texts import shortened

# Of what waits, and of causes; the pages of runs and web inputs have the rest.
_SHOWN: Final = 10
_WELL: Final = "All is well: nothing waits for you"
_WEB_INPUT_COMMAND: Final = "headrace web-input respond "


def _load_verdict(view: View) -> Mapping[str, Any]:
    status = view.site.status.get()
    notices = Notices.of(status.findings, view.site.store.dismissed_notices())
    word = notices.word
    sentence = "; ".join(shortened(each.text) for each in notices.shown if each.word == word)
    if not notices.shown:
        sentence = "Nothing else waits for you" if notices.dismissed else _WELL
    return {
        "word": word,
        "sentence": sentence,
        "findings": [each for each in notices.shown if each.word != word],
        "notices": [(notice_key(each), shortened(each.text, 80)) for each in notices.shown],
        "dismissed": notices.dismissed,
        "moment": status.moment,
        "is_facility_down": _is_facility_down(view),
    }


def _is_facility_down(view: View) -> bool:
    if view.target != "local":
        return False
    try:
        return find_address(view.site.root) is None
    except FacilityError:
        return False  # it runs elsewhere: what cannot be asked says so


def _dismiss(view: View) -> Done:
    notice = view.form.get("notice", "")
    findings = view.site.status.get().findings
    found = next((each for each in findings if notice_key(each) == notice), None)
    if found is None:
        raise ProjectError("it says something else by now: see what is shown")
    view.site.store.dismiss_notice(notice, view.session.label)
    text = shortened(found.text, 80)
    return Done(f"put away until it says something else: {text}", subject=text)


def _restore(view: View) -> Done:
    count = view.site.store.restore_notices()
    return Done("notices that were put away are shown again", subject=f"{count} notices")


def _load_waiting(view: View) -> Mapping[str, Any]:
    status = view.site.status.get()
    waiting = status.waiting
    rows = [
        {
            "run_id": each.run_id,
            "label": shortened(each.label, 120),
            "reason": shortened(each.reason),
            "since": each.since,
            "asks": each.command.startswith(_WEB_INPUT_COMMAND),
        }
        for each in (waiting or ())[:_SHOWN]
    ]
    return {
        "rows": rows,
        "more": max(0, len(waiting or ()) - _SHOWN),
        "unknown": None if waiting is not None else _reason(status, "waiting"),
    }


def _load_failures(view: View) -> Mapping[str, Any]:
    status = view.site.status.get()
    found = status.failures
    groups = []
    for each in (found.groups if found else ())[:_SHOWN]:
        chosen = {"status": "FAILED", "cause": each.pattern, "since": found.started}  # type: ignore[union-attr]
        groups.append(
            {
                "cause": shortened(readable_template(each.cause)),
                "runs": each.runs,
                "flows": [(shortened(name, 80), number) for name, number in each.flows.items()],
                "example": each.example,
                "query": selection_query(chosen) if each.pattern else "",
            }
        )
    return {
        "groups": groups,
        "more": max(0, len(found.groups) - _SHOWN) if found else 0,
        "mended": found.mended if found else 0,
        "started": found.started if found else "",
        "unknown": None if found is not None else _reason(status, "failures"),
    }


def _load_counts(view: View) -> Mapping[str, Any]:
    status = view.site.status.get()
    runs = status.runs
    kinds = {"ACTIVE": "busy", "INACTIVE": "wait", "SUCCEEDED": "good", "FAILED": "bad"}
    counts = runs.counts if runs else {}
    return {
        "counts": [
            (name, kinds.get(name, "idle"), number)
            for name, number in counts.items()
            if number is not None
        ],
        "missing": [name.lower() for name, number in counts.items() if number is None],
        "active": {ACTIVITIES[name]: n for name, n in runs.active.items()} if runs else {},
        "finished": dict(runs.finished or {}) if runs else {},
        "unknown": None if runs is not None else _reason(status, "runs"),
    }


def _load_machines(view: View) -> Mapping[str, Any]:
    status = view.site.status.get()
    endpoints = status.endpoints or ()
    ailing = [each for each in endpoints if needs_a_look(each)]
    return {
        "endpoints": [{**each, "mark": endpoint_mark(each)} for each in ailing],
        "well": len(endpoints) - len(ailing),
        "endpoints_unknown": None if status.endpoints is not None else _reason(status, "endpoints"),
        "disks": status.disks,
        "heartbeats": [
            {
                "name": each.name,
                "state": each.state(status.moment),
                "age": each.age(status.moment),
                "host": each.host,
                "activity": shortened(each.activity or ""),
            }
            for each in status.heartbeats
        ],
    }


def _reason(status: Any, part: str) -> str:
    """Return why a part of the status could not be asked."""
    reasons = status.unknown
    reason = reasons.get(part) or reasons.get("service") or reasons.get("state")
    return shortened(reason or "it could not be asked for")


PAGE = Page(
    name="now",
    path="/",
    title="Now",
    template="now/page.html",
    parts=tuple(
        Part(name, f"now/{name}.html", load, topics=(STATUS_TOPIC,), every=10.0)
        for name, load in (
            ("verdict", _load_verdict),
            ("waiting", _load_waiting),
            ("failures", _load_failures),
            ("counts", _load_counts),
            ("machines", _load_machines),
        )
    ),
    actions=(
        Action("dismiss", _dismiss, repeats=repeatable),
        Action("restore", _restore, repeats=repeatable),
    ),
    menu="Now",
    rank=10,
)
