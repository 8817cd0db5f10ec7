"""One trigger: what settles and what holds it, limits, arrivals with their runs, a path tested."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

from headrace.errors import HeadraceError
from headrace.triggers.arrival import entry_name
from headrace.triggers.arrival_location import arrival_from_record
from headrace.triggers.arrival_search import (
    SHOWN_STATES,
    ArrivalConditions,
    all_arrivals,
    search_arrivals,
    settling_arrivals,
)
from headrace.triggers.errors import TriggerError
from headrace.triggers.record import Record
from headrace.triggers.settling import Settling, UnfinishedCopy, look_at, unfinished_copies
from headrace.triggers.trigger import Trigger
from headrace.web.page import Action, Again, Page, Part, repeatable
from headrace.web.pages.triggers import overview, trigger_actions
from headrace.web.view import View
from headrace.web.views.trigger_state import (
    KINDS,
    count_shown,
    ledger_of,
    loaded_triggers,
    show_trigger,
)

_ROWS: Final = 50
_SHOWN: Final = 10
_SETTLING: Final = 20
_LOOK_SECONDS: Final = 1.0


def address(name: str) -> str:
    """Return the address of a trigger's page from the site's root.

    Args:
        name: the trigger.
    """
    return f"triggers/{quote(name, safe='')}"


def _conditions(view: View, given: Mapping[str, str]) -> ArrivalConditions:
    state = given.get("state", "")
    text = given.get("path", "").strip()[:500]
    return ArrivalConditions(view.path["trigger"], state if state in SHOWN_STATES else "", text)


def _query(conditions: ArrivalConditions, **more: str) -> str:
    given = {"state": conditions.state, "path": conditions.text, **more}
    return urlencode({name: value for name, value in given.items() if value})


def _load(view: View) -> dict[str, Any]:
    name = view.path["trigger"]
    conditions = _conditions(view, view.query)
    values: dict[str, Any] = {
        "title": f"Trigger {name}",
        "name": name,
        "here": address(name),
        "conditions": conditions,
        "states": SHOWN_STATES,
        "changes": trigger_actions.CHANGES,
        "queries": {verb: _query(conditions, do=verb) for verb in trigger_actions.CHANGES},
        "asked": None,
        "problem": "",
        "tested": "",
        "test": None,
    }
    try:
        trigger = loaded_triggers(view.project)[0].get(name)
        if trigger is None:
            show_trigger(view, count_shown(view), name)  # one that is not there at all is missing
        values["test_hint"] = _test_hint(trigger)
        verb = view.query.get("do", "")
        if verb in trigger_actions.CHANGES:
            values["asked"] = _asked(view, conditions, verb)
    except TriggerError as error:
        values |= {"problem": str(error), "test_hint": ""}
    return values


def _test_hint(trigger: Trigger | None) -> str:
    if trigger is None:
        return ""
    if trigger.every is not None:
        return "`next`, or the time at which it is due, such as 2026-12-24T06:00"
    if trigger.after is not None:
        return "the id of a run that has ended, the beginning of it, or `last`"
    return f"a path in {trigger.directory}, or a name there"


def _asked(view: View, conditions: ArrivalConditions, verb: str) -> Mapping[str, Any]:
    """Return what a change of all that match would do, before it is made."""
    moment = datetime.now(UTC).isoformat()
    change = trigger_actions.CHANGES[verb]
    if not conditions.state and not conditions.text:
        return {"verb": verb, "refused": "choose arrivals first: a state, or a text of the path"}
    found = all_arrivals(ledger_of(view.project, view.target), conditions)
    records = [record for record in found if change.may(record)]
    names = [entry_name(record.path) for record in records]
    nothing = f"no arrival that matches {change.nothing}"
    return {
        "verb": verb,
        "refused": "" if records else nothing,
        "count": len(records),
        "left": len(found) - len(records),
        "states": Counter(record.shown_state for record in records).most_common(),
        "names": names[:_SHOWN],
        "more": max(0, len(names) - _SHOWN),
        "fields": {"state": conditions.state, "path": conditions.text, "moment": moment},
        "seen": f"{moment} {_query(conditions)}",
    }


def _load_state(view: View) -> Mapping[str, Any]:
    name = view.path["trigger"]
    counts = count_shown(view)
    shown = show_trigger(view, counts, name)
    records = settling_arrivals(ledger_of(view.project, view.target), name, _SETTLING)
    looks = _looks(view, name, records)
    settling = [
        {"name": entry_name(record.path), "record": record, "look": look}
        for record in records
        for look in [looks[0].get(record.id) if looks is not None else None]
    ]
    return {
        "shown": shown,
        "counts": counts,
        "settling": settling,
        "copies": looks[1] if looks is not None else [],
        "problem": looks[2] if looks is not None else "",
        "is_looking": looks is None,
        "seen": overview.seen_changes(view),
        "here": address(name),
    }


Looks = tuple[dict[int, Settling], list[UnfinishedCopy], str]


def _looks(view: View, name: str, records: list[Record]) -> Looks | None:
    """Look at what settles, in the background: a file system that hangs keeps no page waiting."""
    trigger = loaded_triggers(view.project)[0].get(name)
    if trigger is None:
        return {}, [], ""

    def look() -> Looks:
        found: dict[int, Settling] = {}
        for record in records:
            try:
                found[record.id] = look_at(trigger, arrival_from_record(trigger, record))
            except (HeadraceError, OSError) as error:
                found[record.id] = Settling(f"to be readable: {error}")
        try:
            return found, unfinished_copies(trigger), ""
        except OSError as error:
            return found, [], f"{trigger.directory}: {error.strerror or error}"

    # Of other arrivals it is another figure, so that none is missing.
    key = ("settling", view.target, name, tuple(record.id for record in records))
    kept = view.site.kept.get(key, look, _LOOK_SECONDS)
    return None if kept is None else kept.value


def _load_arrivals(view: View) -> Mapping[str, Any]:
    name, before = view.path["trigger"], view.query.get("before", "")
    number = int(before) if before.isdecimal() and len(before) < 19 else None
    conditions = _conditions(view, view.query)
    path = ledger_of(view.project, view.target)
    page = search_arrivals(path, conditions, before=number, limit=_ROWS)
    older = _query(conditions, before=str(page.before)) if page.before else ""
    return {
        "rows": [
            {
                "record": record,
                "name": entry_name(record.path),
                "kind": KINDS[record.shown_state],
                "reason": _reason(record),
                "run": f"runs/{quote(record.run_id, safe='')}" if record.run_id else "",
                "outcome": page.outcomes.get(record.run_id or ""),
                "offered": [
                    (verb, change)
                    for verb, change in trigger_actions.CHANGES.items()
                    if change.may(record)
                ],
                "changed": record.changed_at.isoformat(),
            }
            for record in page.records
        ],
        "older": f"{address(name)}?{older}" if older else None,
        "here": address(name),
    }


def _reason(record: Record) -> str:
    parts = (record.waits_for, record.reason, record.afterwards_reason)
    return "; ".join(dict.fromkeys(filter(None, parts)))


def try_path(view: View) -> Again:
    """Show the run that the trigger would start on a path; nothing is started."""
    values = _load(view)
    words = view.form.get("test_path", "").strip()
    values["tested"] = words
    if not words:
        return Again(values, "name what is to be tested")
    try:
        check = trigger_actions.check(view, words)
    except HeadraceError as error:
        return Again(values, str(error))
    document = check.document()
    values["test"] = {
        "check": check,
        "path": document["path"],
        "input": json.dumps(document["input"], indent=2, ensure_ascii=False),
        "findings": check.findings,
    }
    is_bad = any(finding.health == "bad" for finding in check.findings)
    words = "its run would fail: see below" if is_bad else "nothing was started: see below"
    return Again(values, words, is_problem=is_bad)


PAGE = Page(
    name="trigger",
    path="/triggers/{trigger}",
    title="Trigger",
    template="triggers/trigger.html",
    load=_load,
    parts=(
        Part("state", "triggers/state.html", _load_state, ("triggers",), every=5.0),
        Part("arrivals", "triggers/arrivals.html", _load_arrivals, ("triggers",), every=10.0),
    ),
    actions=(
        Action("pause", overview.pause),
        Action("resume", overview.resume),
        Action("test", try_path, changes_nothing=True),
        *(
            Action(verb, partial(trigger_actions.change_one, verb), repeats=repeatable)
            for verb in trigger_actions.CHANGES
        ),
        *(
            Action(f"{verb}_all", partial(trigger_actions.change_all, verb), repeats=repeatable)
            for verb in trigger_actions.CHANGES
        ),
    ),
)
