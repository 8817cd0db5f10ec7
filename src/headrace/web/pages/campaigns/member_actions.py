"""Changes of members: of all that a filter selects, and of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final

from headrace.campaigns.change_text import CHANGED_MEMBERS
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger import requests
from headrace.web.page import Done
from headrace.web.pages.campaigns.campaign_actions import change_text, open_to_change, person
from headrace.web.view import View
from headrace.web.views.campaigns.member_filter import MemberFilter, not_changed_since
from headrace.web.views.campaigns.reading import opened

if TYPE_CHECKING:
    from headrace.campaigns.ledger import Change, LedgerTables


@dataclass(frozen=True)
class MemberChange:
    """A change of members that people may ask for.

    Attributes:
        text: the words of its button.
        means: what it does, in one line.
        state: state of the members that conditions mean where they say none.
        field: the field of its form, besides those that choose members; "" for none.
    """

    text: str
    means: str
    state: str = ""
    field: str = ""


CHANGES: Final[Mapping[str, MemberChange]] = {
    "retry": MemberChange(
        "Retry",
        "Each begins at the leg at which it failed, with its last accepted outputs; with a step, "
        "from that step's first leg, members that are done, too.",
        state="failed",
        field="step",
    ),
    "hold": MemberChange(
        "Hold", "They wait until they are released; what runs ends its leg.", field="reason"
    ),
    "release": MemberChange("Release", "Those that are held go on."),
    "drop": MemberChange(
        "Drop",
        "They are taken out; their records stay, and their runs are cancelled.",
        field="reason",
    ),
    "move": MemberChange("Move", "They do their next attempts in another lane.", field="lane"),
    "priority": MemberChange(
        "Set priority",
        "Those of a higher priority are started first.",
        field="priority",
    ),
}
"""The changes by their verbs."""


def meant(chosen: MemberFilter, verb: str) -> MemberFilter:
    """Return the filter of the members that a change is of.

    Args:
        chosen: what a person has chosen.
        verb: the change.
    """
    state = CHANGES[verb].state
    return chosen.with_state(state) if state else chosen


def change(verb: str, view: View) -> Done:
    """Change the members that a form's filter selects and that are as the person saw them.

    Args:
        verb: the change.
        view: the request.
    """
    chosen = MemberFilter.of(view.form)
    moment = view.form.get("moment", "")
    if chosen.is_empty or not moment:
        raise CampaignError("no member is chosen: set a filter")
    with open_to_change(view) as (ledger, row), ledger.transaction() as tables:
        ids = chosen.selection.ids(tables.database, row.id)
        ids = not_changed_since(tables.database, ids, moment)
        if not ids:
            raise CampaignError("no member matches any more: all have changed since; look again")
        made = _make(view, verb, tables, row.id, ids)
    return _outcome(verb, made, chosen.query())


def change_one(verb: str, view: View) -> Done:
    """Change the member of the address.

    Args:
        verb: the change.
        view: the request.
    """
    key = view.path["member"]
    with open_to_change(view) as (ledger, row), ledger.transaction() as tables:
        member = tables.members.get(row.id, key)
        made = _make(view, verb, tables, row.id, [member.id])
    return _outcome(verb, made, key)


def _outcome(verb: str, made: Change, subject: str) -> Done:
    text = change_text(made, CHANGED_MEMBERS[verb])
    if not made.changed:
        raise CampaignError(text)
    return Done(text, subject=f"{verb} {subject}"[:200])


def _make(view: View, verb: str, tables: LedgerTables, campaign: int, ids: Sequence[int]) -> Change:
    who = person(view)
    reason = view.form.get("reason", "").strip()
    match verb:
        case "retry":
            step = view.form.get("from_step", "") or None
            if step is not None:
                with opened(view, view.path["campaign"]) as read:
                    read.campaign.step_named(step)
            return requests.retry(tables, campaign, ids, who=who, step=step)
        case "hold":
            return requests.hold(tables, campaign, ids, who=who, reason=reason)
        case "release":
            return requests.release(tables, campaign, ids, who=who)
        case "drop":
            return requests.drop(tables, campaign, ids, who=who, reason=reason)
        case "move":
            lane = view.form.get("to_lane", "")
            if lane:
                with opened(view, view.path["campaign"]) as read:
                    read.campaign.lane(lane)
            return requests.move(tables, campaign, ids, lane, who=who)
        case _:
            return requests.set_priority(tables, campaign, ids, _priority(view), who=who)


def _priority(view: View) -> float:
    text = view.form.get("priority", "").strip()
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise CampaignError(f"priority: {text[:20]!r} is no number")
    return value
