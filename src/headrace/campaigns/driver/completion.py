"""The end of a campaign: nothing is left to do, and what comes later opens it again."""

from __future__ import annotations

from headrace.campaigns.driver.driven_campaign import DrivenCampaign
from headrace.campaigns.driver.events import CampaignEnded
from headrace.campaigns.driver.run_ends import WHO
from headrace.campaigns.ledger import CampaignRow, LedgerTables

_LEFT = "'ready', 'starting', 'running', 'held', 'asking'"


def end_if_finished(tables: LedgerTables, driven: DrivenCampaign) -> CampaignEnded | None:
    """Write down the end of a campaign in which nothing is left to do.

    Members that wait for members of their own campaign which have failed or were dropped are left;
    those that wait for another campaign's are not. A campaign that a trigger feeds does not end.

    Args:
        tables: the ledger, in a transaction.
        driven: the campaign.

    Returns:
        what is told of it; None where something is left to do.
    """
    if driven.campaign.members.trigger is not None or _has_work(tables, driven.id, driven.name):
        return None
    counts = tables.members.counts(driven.id)
    if not counts:
        return None
    done = counts.pop("done", 0) + counts.pop("shared", 0)
    failed = counts.pop("failed", 0)
    event = CampaignEnded(driven.name, done, failed, sum(counts.values()))
    tables.campaigns.set_state(driven.id, "ended")
    detail = f"{done:,} done, {failed:,} failed, {event.others:,} others"
    tables.log.add(driven.id, "ended", detail, who=WHO)
    return event


def reopen_if_ready(tables: LedgerTables, row: CampaignRow) -> bool:
    """Open a campaign that has ended again, where there is something to do: it was given more.

    Args:
        tables: the ledger, in a transaction.
        row: the campaign.

    Returns:
        whether it was opened.
    """
    if not _has_work(tables, row.id, row.name, held=False):
        return False
    tables.campaigns.set_state(row.id, "started")
    tables.log.add(row.id, "opened again", who=WHO)
    return True


def _has_work(tables: LedgerTables, campaign: int, name: str, *, held: bool = True) -> bool:
    database = tables.database
    states = _LEFT if held else _LEFT.replace(", 'held'", "")
    for state in states.replace("'", "").split(", "):
        row = database.execute(
            "SELECT 1 FROM members INDEXED BY by_state WHERE campaign = ? AND state = ? LIMIT 1",
            (campaign, state),
        )
        if row.fetchone() is not None:
            return True
    row = database.execute(
        "SELECT 1 FROM starts INDEXED BY open_starts "
        "WHERE campaign = ? AND state IN ('intent', 'open') LIMIT 1",
        (campaign,),
    )
    if row.fetchone() is not None:
        return True
    if any(tables.grafts.due(graft.id, 1) for graft in tables.grafts.all(campaign)):
        return True
    waiting = database.execute(
        "SELECT 1 FROM members AS m INDEXED BY by_state JOIN needs AS n ON n.member = m.id "
        "WHERE m.campaign = ? AND m.state = 'waiting' AND n.met = 0 AND n.campaign <> ? LIMIT 1",
        (campaign, name),
    )
    return waiting.fetchone() is not None
