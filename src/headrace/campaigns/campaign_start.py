"""Start of a campaign: its members taken in, and its state set, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace.campaigns.campaign import Campaign
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.hashing import WorkHasher
from headrace.campaigns.ledger.campaign_ledger import CampaignLedger
from headrace.campaigns.ledger.member import AddedMembers, NewMember
from headrace.campaigns.ledger.tables import LedgerTables
from headrace.campaigns.member_addition import AdditionOptions, add_members
from headrace.campaigns.members.new_members import read_members
from headrace.campaigns.start_check import StartCheck

if TYPE_CHECKING:
    from headrace.project import Project

# States of members that nothing more is started of.
_OVER: Final = ("done", "failed", "dropped", "shared")

HashOf = Callable[[NewMember], str]


@dataclass(frozen=True)
class StartedCampaign:
    """Outcome of a start, or of reading a campaign's table again.

    Attributes:
        added: what became of the rows of its table.
        total: members that it has now.
        state: its state now.
        failed: members that have failed.
        ended: whether every member is done, has failed or was dropped.
    """

    added: AddedMembers
    total: int
    state: str
    failed: int = 0
    ended: bool = False


def start_campaign(
    project: Project,
    campaign: Campaign,
    ledger: CampaignLedger,
    who: str,
    hash_of: HashOf | None = None,
    *,
    target: str | None = None,
) -> StartedCampaign:
    """Take in a campaign's members, and start it; one that runs takes in its new rows.

    Args:
        project: the project.
        campaign: the campaign.
        ledger: the ledger.
        who: starts it.
        hash_of: returns the hash of a member's work; "" where nothing is shared.
        target: where its runs would be started; what would keep them from it is found first. None
            where nobody looks.

    Raises:
        CampaignError: it has no members, or its table cannot be read.
        CampaignProblems: rows of its table that cannot be used, or what would keep members from
            being started.
    """
    check = None if target is None else StartCheck(project, campaign, target)
    with ledger.transaction() as tables:
        added = take_in(tables, project, campaign, hash_of=hash_of)
        row = tables.campaigns.get(campaign.name)
        counts = tables.members.counts(row.id)
        total = sum(counts.values())
        if not total and campaign.members.trigger is None:
            come = "headrace campaign add " + campaign.name
            raise CampaignError(
                f"campaign {campaign.name} has no members: its table is empty; `{come} DIR` or "
                f"`{come} --table FILE` adds some"
            )
        if check is not None:
            check.check(tables, row.id)
        if row.state != "paused":
            tables.campaigns.set_state(row.id, "started")
            if row.state != "started":
                tables.log.add(row.id, "started", f"{total:,} members", who=who)
        over = sum(counts.get(state, 0) for state in _OVER)
        state = tables.campaigns.get(campaign.name).state
        return StartedCampaign(added, total, state, counts.get("failed", 0), over == total)


def take_in(
    tables: LedgerTables,
    project: Project,
    campaign: Campaign,
    *,
    table: Path | None = None,
    options: AdditionOptions | None = None,
    hash_of: HashOf | None = None,
    check: StartCheck | None = None,
) -> AddedMembers:
    """Add what a campaign's table or directories have, or another table.

    A directory that is a member already stays as it was added.

    Args:
        tables: the ledger, in a transaction.
        project: the project.
        campaign: the campaign.
        table: another table.
        options: priority, group and lane of all of them.
        hash_of: returns the hash of a member's work; as the campaign's ``members.hash`` says by
            default.
        check: finds what would keep them from being started, where the campaign was started.

    Raises:
        CampaignError: the table cannot be read, or a member cannot be added.
        CampaignProblems: rows that cannot be used.
    """
    if hash_of is None and campaign.members.hash:
        with WorkHasher(project, campaign) as hasher:
            return take_in(
                *(tables, project, campaign),
                table=table,
                options=options,
                hash_of=hasher.hash_of,
                check=check,
            )
    sources = campaign.members.sources
    if table is None and not {"table", "directories"} & set(sources):
        return add_members(tables, campaign, (), options)
    members: Iterable[NewMember] = read_members(campaign, project, table=table, hash_of=hash_of)
    if table is None and "directories" in sources:
        members = _unknown(tables, campaign.name, members)
    return add_members(tables, campaign, members, options, check)


def _unknown(tables: LedgerTables, name: str, members: Iterable[NewMember]) -> Iterator[NewMember]:
    row = tables.campaigns.find(name)
    known: set[str] = set()
    if row is not None:
        found = tables.database.execute("SELECT key FROM members WHERE campaign = ?", (row.id,))
        known = {str(each[0]) for each in found}
    return (member for member in members if member.key not in known)
