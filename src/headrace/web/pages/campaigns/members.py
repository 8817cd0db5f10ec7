"""Members of a campaign: fifty by key, filters, and changes of all that match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from headrace.campaigns.campaign_access import OpenCampaign
from headrace.campaigns.errors import CampaignError, SelectionError
from headrace.campaigns.ledger.member import STATES, Member
from headrace.campaigns.page_data import members_between
from headrace.web.page import Action, Page, Part, repeatable
from headrace.web.pages.campaigns import member_actions
from headrace.web.pages.campaigns.campaign import address
from headrace.web.view import View
from headrace.web.views.campaigns.member_filter import MemberFilter
from headrace.web.views.campaigns.reading import KINDS, opened

_ROWS: Final = 50
_SHOWN: Final = 10
_MOST_COLUMNS: Final = 8


def _load(view: View) -> Mapping[str, Any]:
    name = view.path["campaign"]
    chosen = MemberFilter.of(view.query)
    here = address(name)
    values: dict[str, Any] = {
        "title": f"Members of campaign {name}",
        "name": name,
        "filter": chosen,
        "columns_text": view.query.get("columns", ""),
        "campaign_address": here,
        "here": f"{here}/members",
        "states": STATES,
        "changes": member_actions.CHANGES,
        "lanes": [],
        "steps": [],
        "problem": "",
        "asked": None,
        "is_range": _range(view) is not None,
    }
    try:
        with opened(view, name) as campaign:
            values["lanes"] = [lane.name for lane in campaign.campaign.lanes]
            values["steps"] = [step.name for step in campaign.campaign.steps]
            verb = view.query.get("do", "")
            if verb in member_actions.CHANGES:
                values["asked"] = _asked(campaign, chosen, verb)
    except CampaignError as error:
        values["problem"] = str(error)
    return values


def _asked(campaign: OpenCampaign, chosen: MemberFilter, verb: str) -> Mapping[str, Any]:
    """Return what a change would do, before it is made."""
    moment = datetime.now(UTC).isoformat()
    if chosen.is_empty:
        return {"verb": verb, "refused": "choose members first: set a filter, such as a state"}
    chosen = member_actions.meant(chosen, verb)
    try:
        ids = chosen.selection.ids(campaign.database, campaign.id)
    except SelectionError as error:
        return {"verb": verb, "refused": str(error)}
    members = campaign.members.read(ids[:_SHOWN])
    return {
        "verb": verb,
        "refused": "" if ids else "no member matches",
        "count": len(ids),
        "states": _states(campaign, ids),
        "keys": [member.key for member in members],
        "more": max(0, len(ids) - _SHOWN),
        "fields": {**chosen.conditions, "moment": moment},
        "seen": f"{moment} {chosen.query()}",
    }


def _states(campaign: OpenCampaign, ids: Sequence[int]) -> list[tuple[str, int]]:
    import json

    rows = campaign.database.execute(
        "SELECT state FROM members WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps([*ids]),),
    )
    return Counter(str(row[0]) for row in rows).most_common()


def _load_rows(view: View) -> Mapping[str, Any]:
    name, chosen = view.path["campaign"], MemberFilter.of(view.query)
    columns = _columns(view)
    count: int | None = None
    between = _range(view)
    with opened(view, name) as campaign:
        if between is not None:
            first, last = between
            members = members_between(campaign.database, campaign.id, first, last, _ROWS)
            following = f"first={members[-1].id + 1}&last={last}" if len(members) == _ROWS else ""
            examined = 0
        else:
            found = chosen.selection.search(
                campaign.database, campaign.id, after=view.query.get("after", ""), limit=_ROWS
            )
            members, examined = [*found.members], found.examined
            shown = {"columns": view.query.get("columns", "")}
            following = chosen.query(after=found.after, **shown) if found.after else ""
            if chosen.is_quick_to_count:
                count = chosen.selection.count(campaign.database, campaign.id)
    return {
        "rows": [_row(name, member, columns) for member in members],
        "columns": columns,
        "kinds": KINDS,
        "count": count,
        "next": f"{address(name)}/members?{following}" if following else "",
        "first": f"{address(name)}/members?{chosen.query()}" if view.query.get("after") else "",
        "examined": examined if chosen.where else 0,
    }


def _row(name: str, member: Member, columns: Sequence[str]) -> Mapping[str, Any]:
    return {
        "member": member,
        "to": f"{address(name)}/members/{quote(member.key, safe='')}",
        "cause": " ".join(member.cause.split())[:200],
        "values": [member.facts.get(each, member.row.get(each, "")) for each in columns],
    }


def _columns(view: View) -> list[str]:
    names = (each.strip() for each in view.query.get("columns", "").split(","))
    return [*filter(None, names)][:_MOST_COLUMNS]


def _range(view: View) -> tuple[int, int] | None:
    """Return the numbers of a cell's first and last member; None where no cell is asked for."""
    texts = (view.query.get("first", ""), view.query.get("last", ""))
    if not all(text.isdecimal() and len(text) < 19 for text in texts):
        return None
    return int(texts[0]), int(texts[1])


PAGE = Page(
    name="members",
    path="/campaigns/{campaign}/members",
    title="Members",
    template="campaigns/members.html",
    load=_load,
    parts=(Part("rows", "campaigns/member_rows.html", _load_rows, ("campaigns",), every=10.0),),
    actions=tuple(
        Action(verb, partial(member_actions.change, verb), repeats=repeatable)
        for verb in member_actions.CHANGES
    ),
)
