"""One member: its attempts and their runs, needs, facts, and what was done with it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.member_table import MemberTable
from headrace.campaigns.page_data import MemberChain, next_command, read_chain
from headrace.web.errors import PageMissing
from headrace.web.page import Action, Page, Part
from headrace.web.pages.campaigns import member_actions
from headrace.web.pages.campaigns.campaign import address
from headrace.web.view import View
from headrace.web.views.campaigns.reading import KINDS, opened

_MOST_ATTEMPTS: Final = 500
_ATTEMPT_KINDS: Final = {"open": "busy", "done": "good", "failed": "bad", "superseded": "none"}
# Changes that are of use for a member in a state.
_OFFERED: Final[Mapping[str, tuple[str, ...]]] = {
    "failed": ("retry", "drop", "move", "priority"),
    "dropped": ("retry",),
    "held": ("release", "drop", "move", "priority"),
    "done": (),
    "shared": (),
}
_OFFERED_ELSE: Final = ("hold", "release", "drop", "move", "priority")


def _load(view: View) -> Mapping[str, Any]:
    name, key = view.path["campaign"], view.path["member"]
    values = {
        "title": f"Member {key} of campaign {name}",
        "name": name,
        "key": key,
        "campaign_address": address(name),
        "problem": "",
    }
    try:
        with opened(view, name) as campaign:
            if MemberTable(campaign.database, "").find(campaign.id, key) is None:
                raise PageMissing(
                    f"campaign {name} has no member {key!r}; its page of members has all"
                )
    except CampaignError as error:
        values["problem"] = str(error)
    return values


def _load_state(view: View) -> Mapping[str, Any]:
    name, key = view.path["campaign"], view.path["member"]
    with opened(view, name) as campaign:
        chain = read_chain(campaign.database, campaign.id, name, key)
        lanes = [lane.name for lane in campaign.campaign.lanes]
        steps = [step.name for step in campaign.campaign.steps]
        shared = _shared_with(campaign.members, chain)
    member = chain.member
    offered = _OFFERED.get(member.state, _OFFERED_ELSE)
    if member.state not in _OFFERED and not member.hold_requested:
        offered = tuple(verb for verb in offered if verb != "release")
    here = f"{address(name)}/members/{quote(key, safe='')}"
    return {
        "chain": chain,
        "member": member,
        "kind": KINDS[member.state],
        "lanes": lanes,
        "steps": steps,
        "shared_with": shared,
        "shared_address": _member_address(name, shared) if shared else "",
        "command": next_command(chain, name, view.target),
        "needs": [(need, met, _need_address(name, need)) for need, met in chain.needs],
        "needed_by": [(one, _member_address(name, one)) for one in chain.needed_by],
        "offered": {verb: member_actions.CHANGES[verb] for verb in offered},
        "seen": f"revision {member.revision}",
        "here": here,
    }


def _load_attempts(view: View) -> Mapping[str, Any]:
    name, key = view.path["campaign"], view.path["member"]
    with opened(view, name) as campaign:
        chain = read_chain(campaign.database, campaign.id, name, key)
    each = [*zip(chain.attempts, chain.run_ids, chain.statuses, strict=True)]
    return {
        "rows": [
            {
                "attempt": attempt,
                "kind": _ATTEMPT_KINDS[attempt.state],
                "run_id": run_id,
                "run": f"runs/{quote(run_id, safe='')}" if run_id else "",
                "status": status,
            }
            for attempt, run_id, status in each[-_MOST_ATTEMPTS:]
        ],
        "hidden": max(0, len(each) - _MOST_ATTEMPTS),
        "command": f"{shlex.join(('headrace', 'campaign', 'show', name, key))}{view.at_option}",
        "log": [*chain.log][-_MOST_ATTEMPTS:],
    }


def _shared_with(members: MemberTable, chain: MemberChain) -> str:
    if chain.member.shared_with is None:
        return ""
    found = members.read([chain.member.shared_with])
    return found[0].key if found else ""


def _member_address(name: str, key: str) -> str:
    return f"{address(name)}/members/{quote(key, safe='')}"


def _need_address(name: str, need: str) -> str:
    """Return the address of what a member needs; of all members of a campaign, the campaign's."""
    other, _, key = need.rpartition(":")
    if key == "*":
        return address(other or name)
    return _member_address(other or name, key)


PAGE = Page(
    name="member",
    path="/campaigns/{campaign}/members/{member}",
    title="Member",
    template="campaigns/member.html",
    load=_load,
    parts=(
        Part("state", "campaigns/member_state.html", _load_state, ("campaigns",), every=10.0),
        Part("attempts", "campaigns/attempts.html", _load_attempts, ("campaigns",), every=10.0),
    ),
    actions=tuple(
        Action(verb, partial(member_actions.change_one, verb)) for verb in member_actions.CHANGES
    ),
)
