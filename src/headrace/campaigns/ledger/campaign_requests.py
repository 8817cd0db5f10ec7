"""Changes of campaigns and lanes that people ask for: `requests` offers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.change import Change
from headrace.campaigns.ledger.change_table import RecordedChange
from headrace.campaigns.ledger.tables import LedgerTables


def pause(tables: LedgerTables, campaign: int, *, who: str, reason: str = "") -> Change:
    """Have a campaign start nothing more; what is under way goes on.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        who: the person.
        reason: why.

    Raises:
        CampaignError: it is not started, or has ended.
    """
    return _set_state(tables, campaign, "pause", ("started", "paused"), reason, who)


def resume(tables: LedgerTables, campaign: int, *, who: str) -> Change:
    """Have a campaign that is paused go on.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        who: the person.

    Raises:
        CampaignError: it was never started, or has ended.
    """
    return _set_state(tables, campaign, "resume", ("paused", "started"), "", who)


def drain(tables: LedgerTables, campaign: int, lane: str, *, who: str, reason: str = "") -> Change:
    """Have nothing more started in a lane; what is under way there ends its leg.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        lane: name of the lane.
        who: the person.
        reason: why.
    """
    return _set_lane(tables, campaign, "drain", lane, {"drained": True, "reason": reason}, who)


def undrain(tables: LedgerTables, campaign: int, lane: str, *, who: str) -> Change:
    """Have members started in a lane again.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        lane: name of the lane.
        who: the person.
    """
    return _set_lane(tables, campaign, "undrain", lane, {"drained": False, "reason": ""}, who)


def limit(
    tables: LedgerTables, campaign: int, lane: str, open_limit: int | None, *, who: str
) -> Change:
    """Set how many members a lane has under way at most.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        lane: name of the lane.
        open_limit: the number; None for what the campaign's file says.
        who: the person.
    """
    return _set_lane(tables, campaign, "limit", lane, {"open_limit": open_limit}, who)


def restore(tables: LedgerTables, campaign: int, change: RecordedChange) -> None:
    """Have a campaign or a lane be as before a change.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        change: the change.

    Raises:
        CampaignError: it was changed since.
    """
    lane, before, after = change.subject, change.before, change.after
    if lane:
        state = tables.lanes.get(campaign, lane)
        now = {name: getattr(state, name) for name in after}
    else:
        row = tables.database.execute(
            "SELECT state, pause_reason FROM campaigns WHERE id = ?", (campaign,)
        ).fetchone()
        now = {name: row[name] for name in after}
    if now != after:
        what = f"lane {lane}" if lane else "the campaign"
        raise CampaignError(
            f"the last {change.verb} cannot be undone any more: {what} was changed since"
        )
    if lane:
        _write_lane(tables, campaign, lane, before)
    else:
        tables.campaigns.set_state(campaign, before["state"], before["pause_reason"])


def _set_state(
    tables: LedgerTables,
    campaign: int,
    verb: str,
    states: tuple[str, str],
    reason: str,
    who: str,
) -> Change:
    row = tables.database.execute(
        "SELECT name, state, pause_reason FROM campaigns WHERE id = ?", (campaign,)
    ).fetchone()
    before, after = states
    if row["state"] not in states:
        way_out = "start it: `headrace campaign start`" if row["state"] == "draft" else "it is over"
        raise CampaignError(f"campaign {row['name']} is {row['state']}, not {before}; {way_out}")
    if row["state"] == after:
        return Change(0, verb)
    tables.campaigns.set_state(campaign, after, reason)  # type: ignore[arg-type]
    change = tables.changes.record(
        campaign,
        verb,
        {"state": row["state"], "pause_reason": row["pause_reason"]},
        {"state": after, "pause_reason": reason},
        who=who,
    )
    tables.log.add(campaign, verb, reason, who=who)
    return change


def _set_lane(
    tables: LedgerTables,
    campaign: int,
    verb: str,
    lane: str,
    values: Mapping[str, Any],
    who: str,
) -> Change:
    state = tables.lanes.get(campaign, lane)
    before = {name: getattr(state, name) for name in values}
    change = tables.changes.record(campaign, verb, before, values, who=who, subject=lane)
    if not change.is_empty:
        _write_lane(tables, campaign, lane, values)
        detail = values.get("reason") or values.get("open_limit", "")
        message = f"{lane}: {detail}" if detail not in ("", None) else lane
        tables.log.add(campaign, verb, message, who=who)
    return change


def _write_lane(tables: LedgerTables, campaign: int, lane: str, values: Mapping[str, Any]) -> None:
    if "drained" in values:
        tables.lanes.set_drained(campaign, lane, values["drained"], values["reason"])
    else:
        tables.lanes.set_limit(campaign, lane, values["open_limit"])
