"""Undoing the last change that somebody asked for: `requests` offers it."""

from __future__ import annotations

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.campaign_requests import restore
from headrace.campaigns.ledger.change import Change
from headrace.campaigns.ledger.completion import follow_members
from headrace.campaigns.ledger.member_requests import shown_keys
from headrace.campaigns.ledger.tables import LedgerTables


def undo(tables: LedgerTables, campaign: int, *, who: str) -> Change:
    """Undo the last change of a campaign, where what it changed has not gone on since.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        who: the person.

    Returns:
        the change that was undone, with the members that are as before, and those that are not.

    Raises:
        CampaignError: there is none, or nothing of it can be undone any more.
    """
    last = tables.changes.last(campaign)
    if last is None:
        raise CampaignError("nothing to undo: nobody has asked for a change of this campaign")
    if last.before or last.after:
        restore(tables, campaign, last)
        change = Change(last.id, last.verb, last.subject)
    else:
        restored, left, ids = tables.changes.restore_members(last.id)
        reasons = {reason: tuple(keys) for reason, keys in left.items()}
        change = Change(last.id, last.verb, last.subject, tuple(restored), reasons)
        if not restored:
            message = "; ".join(f"{shown_keys(keys)} {reason}" for reason, keys in left.items())
            raise CampaignError(f"the last {last.verb} cannot be undone any more: {message}")
        follow_members(tables.database, tables.now, ids)
    tables.changes.mark_undone(last.id)
    tables.log.add(campaign, "undo", f"{last.verb} of {last.at}, by {last.who}", who=who)
    return change
