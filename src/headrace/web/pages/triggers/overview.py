"""All triggers of the project: what each watches, its arrivals, whether it is watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.triggers import pausing
from headrace.triggers.errors import TriggerError
from headrace.web.page import Action, Done, Page, Part
from headrace.web.view import View
from headrace.web.views.trigger_state import (
    count_shown,
    ledger_of,
    loaded_triggers,
    show_triggers,
)


def _load_triggers(view: View) -> Mapping[str, Any]:
    counts = count_shown(view)
    return {"rows": show_triggers(view, counts), "counts": counts, "seen": seen_changes(view)}


def seen_changes(view: View) -> str:
    """Return what is seen of changes that were made on a page: a pause that is over leaves none.

    Args:
        view: the request for the page, or a part of it.
    """
    actions = view.site.store.actions_of(view.address, 1)
    return f"after {actions[0].id if actions else 0}"


def pause(view: View) -> Done:
    """Have triggers start no runs until they are resumed."""
    names = _names(view)
    ledger_of(view.project, view.target)  # says where it was lost
    pausing.pause(view.project, view.target, names, view.ask)
    hosted = pausing.has_hosted_timers(view.project, view.target, names)
    meanwhile = "" if hosted else "; what arrives is recorded"
    return Done(f"paused: {', '.join(names)}{meanwhile}", subject=", ".join(names))


def resume(view: View) -> Done:
    """Have triggers start runs again."""
    names = _names(view)
    ledger_of(view.project, view.target)
    pausing.resume(view.project, view.target, names, view.ask)
    return Done(f"not paused any more: {', '.join(names)}", subject=", ".join(names))


def _names(view: View) -> list[str]:
    """Return the trigger of the address or of the form; all where neither names one."""
    wanted = view.path.get("trigger") or view.form.get("trigger", "")
    known = sorted(loaded_triggers(view.project)[0])
    names = [wanted] if wanted else known
    if not names or names[0] not in known:
        raise TriggerError(f"no trigger {wanted!r} can be read: see the page Triggers")
    return names


PAGE = Page(
    name="triggers",
    path="/triggers",
    title="Triggers",
    template="triggers/overview.html",
    parts=(Part("triggers", "triggers/list.html", _load_triggers, ("triggers",), every=10.0),),
    actions=(
        Action("pause", pause),
        Action("resume", resume),
    ),
    menu="Triggers",
    rank=400,
)
