"""The table of members, within a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.ledger_table import LedgerTable
from headrace.campaigns.ledger.member import (
    MEMBER_COLUMNS,
    AddedMembers,
    Member,
    NewMember,
    member_from_row,
)
from headrace.campaigns.ledger.member_insertion import MemberInsertion


class MemberTable(LedgerTable):
    """The members of a ledger."""

    def add(self, campaign: int, members: Iterable[NewMember], *, step: str) -> AddedMembers:
        """Add members to a campaign, 100,000 in a few seconds.

        One that is there with another row gets the new one if it has not begun; if it has, it is
        kept as it is. One whose hash another member has shares that one's work.

        Args:
            campaign: number of the campaign.
            members: the members, in the order of their table; read as they come.
            step: name of the step that they begin with.

        Raises:
            CampaignError: a key stands twice, or a row holds what is no plain value.
            NeedsCircle: members need each other in a circle.
        """
        return MemberInsertion(self._database, self._now, campaign, step).add(members)

    def read(self, ids: Sequence[int]) -> list[Member]:
        """Return members by their numbers, in the order of their numbers."""
        rows = self._database.execute(
            f"SELECT {MEMBER_COLUMNS} FROM members "  # noqa: S608 - our own text
            "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(list(ids)),),
        )
        return [member_from_row(row) for row in rows]

    def find(self, campaign: int, key: str) -> Member | None:
        """Return a member by its key; None where the campaign has none of that key."""
        row = self._database.execute(
            f"SELECT {MEMBER_COLUMNS} FROM members "  # noqa: S608 - our own text
            "WHERE campaign = ? AND key = ?",
            (campaign, key),
        ).fetchone()
        return member_from_row(row) if row else None

    def get(self, campaign: int, key: str) -> Member:
        """Return a member by its key.

        Raises:
            CampaignError: the campaign has none of that key.
        """
        found = self.find(campaign, key)
        if found is None:
            raise CampaignError(f"no member {key!r} in this campaign; `headrace campaign list`")
        return found

    def counts(self, campaign: int) -> dict[str, int]:
        """Return how many members of a campaign are in each state; states without any are left out.

        Args:
            campaign: number of the campaign.
        """
        rows = self._database.execute(
            "SELECT state, count(*) FROM members INDEXED BY by_state WHERE campaign = ? "
            "GROUP BY state",
            (campaign,),
        )
        return dict(rows.fetchall())
