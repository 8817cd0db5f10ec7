"""Members that a member adds by what its run returned, within the campaign's limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.campaigns.driver.driven_campaign import DrivenCampaign
from headrace.campaigns.driver.events import MembersAdded
from headrace.campaigns.ledger import LedgerTables, Member
from headrace.campaigns.members.new_members import MemberReader


class AddedMembersRefused(Exception):
    """A member may not add the members that it asks for; the message says why."""


def add_members(
    tables: LedgerTables,
    driven: DrivenCampaign,
    parent: Member,
    rows: Sequence[Mapping[str, Any]],
) -> list[MembersAdded]:
    """Add the members that a member asks for; those that are there already are left as they are.

    A column that a row leaves out is empty.

    Args:
        tables: the ledger, in a transaction.
        driven: the campaign.
        parent: the member that asks for them.
        rows: their rows.

    Returns:
        what is told of it; nothing where none is new.

    Raises:
        AddedMembersRefused: they are more, or of more generations, than the limits allow.
        CampaignError: a row cannot be used, or members need each other in a circle.
    """
    limits = driven.campaign.limits
    depth = parent.depth + 1
    if depth > limits.added_depth:
        raise AddedMembersRefused(
            f"it adds members, and {parent.depth} generations were added before them "
            f"(limits.added_depth is {limits.added_depth}); does it go on without end?"
        )
    columns = dict.fromkeys([*parent.row, *(name for row in rows for name in row)])
    reader = MemberReader(driven.campaign, tuple(columns), "next")
    empty = dict.fromkeys(columns)
    members = [reader.member_of({**empty, **row}, depth) for row in rows]
    with _undone_on_error(tables):
        first = driven.campaign.steps[0].name
        known = _count(tables, driven.id)
        added = tables.members.add(driven.id, members, step=first)
        if known + added.added > limits.added_members:
            raise AddedMembersRefused(
                f"it adds {added.added:,} members, and {known:,} were added before "
                f"(limits.added_members is {limits.added_members:,})"
            )
    if not added.added:
        return []
    tables.log.add(driven.id, "added", f"{added.added:,} members", who=parent.key, member=parent.id)
    return [MembersAdded(driven.name, parent.key, added.added)]


def _count(tables: LedgerTables, campaign: int) -> int:
    (count,) = tables.database.execute(
        "SELECT count(*) FROM members WHERE campaign = ? AND source = 'next'", (campaign,)
    ).fetchone()
    return int(count)


class _undone_on_error:  # noqa: N801 - used as a context
    """Undo what was written within, where it raises; what was written before stays."""

    def __init__(self, tables: LedgerTables) -> None:
        self._database = tables.database

    def __enter__(self) -> None:
        self._database.execute("SAVEPOINT added_members")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._database.execute("ROLLBACK TO added_members")
        self._database.execute("RELEASE added_members")
