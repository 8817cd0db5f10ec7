"""Actions on a campaign and its lanes, as the commands of ``headrace campaign`` have them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace.campaigns.campaign_access import change_campaign_ledger
from headrace.campaigns.campaign_loading import load_campaign
from headrace.campaigns.campaign_start import start_campaign
from headrace.campaigns.change_text import change_lines
from headrace.campaigns.driver_process import start_driver
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.graft_addition import add_graft
from headrace.campaigns.ledger import requests
from headrace.campaigns.ledger.campaign_row import CampaignRow
from headrace.project.targets import connect
from headrace.web.page import Done
from headrace.web.view import View
from headrace.web.views.campaigns.reading import ledger_exists, opened

if TYPE_CHECKING:
    from headrace.campaigns.ledger import CampaignLedger, Change, LedgerTables


def person(view: View) -> str:
    """Return who acts, for the log of the campaign."""
    return f"{view.session.label}, by the page"


@contextmanager
def open_to_change(view: View) -> Iterator[tuple[CampaignLedger, CampaignRow]]:
    """Open the ledger to change the campaign of the address.

    Args:
        view: the request.

    Raises:
        PageMissing: there is none of this name.
        CampaignError: it was not started, or the ledger cannot be used.
    """
    with opened(view, view.path["campaign"]) as campaign:
        row = campaign.row
    with change_campaign_ledger(view.project, view.target) as ledger:
        yield ledger, row


def start(view: View) -> Done:
    """Take in the members of a campaign, start it, and see that a driver runs."""
    name = view.path["campaign"]
    return view.site.long_actions.begin(
        "campaigns", f"campaign {name} is being started", lambda: _start(view, name)
    )


def drive(view: View) -> Done:
    """Start a driver, and the facility where the runs are its."""

    def work() -> Done:
        return Done(_start_driver(view), subject="driver")

    return view.site.long_actions.begin("campaigns", "a driver is being started", work)


def _start(view: View, name: str) -> Done:
    project, target = view.project, view.target
    ledger_exists(project, target)  # one that is gone is told, and not made anew
    campaign = load_campaign(project, name)
    with change_campaign_ledger(project, target) as ledger:
        started = start_campaign(project, campaign, ledger, person(view), target=target)
    words = f"{started.added.added:,} members were added, {started.total:,} in all"
    if started.state != "started":
        return Done(f"{words}; it is {started.state}", subject=name)
    driver = _start_driver(view)
    return Done(f"campaign {name} is started: {words}; {driver}", subject=name)


def _start_driver(view: View) -> str:
    project, target = view.project, view.target
    if target == "local":
        connect(project, target, start=True)
    return start_driver(project, target, view.site.profile).text


def pause(view: View) -> Done:
    """Have a campaign start nothing more."""
    reason = view.form.get("reason", "").strip()

    def request(tables: LedgerTables, campaign: int) -> Change:
        return requests.pause(tables, campaign, who=person(view), reason=reason)

    return _change(view, request, f"campaign {view.path['campaign']} is paused")


def resume(view: View) -> Done:
    """Have a campaign that is paused go on."""

    def request(tables: LedgerTables, campaign: int) -> Change:
        return requests.resume(tables, campaign, who=person(view))

    return _change(view, request, f"campaign {view.path['campaign']} goes on")


def drain(view: View) -> Done:
    """Have nothing more started in a lane."""
    lane, reason = _lane(view), view.form.get("reason", "").strip()

    def request(tables: LedgerTables, campaign: int) -> Change:
        return requests.drain(tables, campaign, lane, who=person(view), reason=reason)

    return _change(view, request, f"lane {lane} is drained", lane)


def undrain(view: View) -> Done:
    """Have members started in a lane again."""
    lane = _lane(view)

    def request(tables: LedgerTables, campaign: int) -> Change:
        return requests.undrain(tables, campaign, lane, who=person(view))

    return _change(view, request, f"lane {lane} takes members", lane)


def limit(view: View) -> Done:
    """Set how many members a lane has under way at most."""
    lane, text = _lane(view), view.form.get("limit", "").strip()
    if text and (not text.isdecimal() or len(text) > 9):
        raise CampaignError(
            f"limit of lane {lane}: {text[:20]!r} is no number of members; leave it empty for what "
            "the campaign's file says"
        )
    count = int(text) if text else None

    def request(tables: LedgerTables, campaign: int) -> Change:
        return requests.limit(tables, campaign, lane, count, who=person(view))

    words = "as many as the campaign's file says" if count is None else f"{count:,} at most"
    return _change(view, request, f"lane {lane} has {words} under way", lane)


def undo(view: View) -> Done:
    """Undo the last change that somebody made, if it is still the one that was shown."""
    with open_to_change(view) as (ledger, row), ledger.transaction() as tables:
        last = tables.changes.last(row.id)
        if last is not None and str(last.id) != view.form.get("change"):
            raise CampaignError(
                f"another change was made since: {last.verb} by {last.who}; look at it, then undo"
            )
        change = requests.undo(tables, row.id, who=person(view))
    verb = f"{change.verb} {change.subject}".strip()
    text = change_text(change, f"as before the {verb}")
    return Done(text if change.changed or change.left else f"the {verb} is undone", subject=verb)


def graft(view: View) -> Done:
    """Have a flow follow each leg, member or group, or the end of a campaign."""
    flow, after = view.form.get("flow", "").strip(), view.form.get("after", "")
    if after not in ("leg", "member", "group", "campaign"):
        raise CampaignError("say what the flow follows: leg, member, group or campaign")
    text = view.form.get("input", "").strip() or "{}"
    try:
        template = json.loads(text)
    except ValueError as error:
        raise CampaignError(f"the input of graft {flow} is no JSON: {error}") from error
    with open_to_change(view) as (ledger, row):
        added = add_graft(
            *(view.project, ledger, row, after, flow),
            template=template,
            when=view.form.get("when", "").strip(),
            who=person(view),
        )
    words = f"{added.due:,} are due now" if added.due else "nothing is due yet"
    follows = "the end of the campaign" if after == "campaign" else f"each {after}"
    again = "" if added.new else "; it did so before"
    return Done(f"{flow} follows {follows}; {words}{again}", subject=flow)


def change_text(change: Change, done: str) -> str:
    """Return what a change of members has done, and what it has left and why.

    Args:
        change: the change.
        done: what its members are afterwards.
    """
    return "; ".join(change_lines(change, done)) or "nothing was changed"


def _lane(view: View) -> str:
    """Return the lane that a form names, which the campaign has."""
    lane = view.form.get("lane", "")
    with opened(view, view.path["campaign"]) as campaign:
        campaign.campaign.lane(lane)
    return lane


def _change(
    view: View,
    request: Callable[[LedgerTables, int], Change],
    text: str,
    subject: str = "",
) -> Done:
    with open_to_change(view) as (ledger, row), ledger.transaction() as tables:
        change = request(tables, row.id)
    return Done(f"{text}; it was so before" if change.is_empty else text, subject=subject)
