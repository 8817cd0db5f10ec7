"""The log of a campaign: who did what, when and why; within a transaction."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.campaigns.ledger.ledger_table import LedgerTable


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log.

    Attributes:
        id: its number in this ledger.
        campaign: number of the campaign.
        at: when, UTC in ISO format.
        member: number of the member that it is about; None where it is about the campaign.
        who: the person, or the part of headrace, that did it.
        what: what was done, in one or two words.
        detail: how and why, in one line.
    """

    id: int
    campaign: int
    at: str
    member: int | None
    who: str
    what: str
    detail: str


class LogTable(LedgerTable):
    """The log of all campaigns of a ledger."""

    def add(
        self, campaign: int, what: str, detail: str = "", *, who: str, member: int | None = None
    ) -> None:
        """Write a line.

        Args:
            campaign: number of the campaign.
            what: what was done, in one or two words.
            detail: how and why, in one line.
            who: the person, or the part of headrace, that did it.
            member: number of the member that it is about; None for the campaign.
        """
        self._database.execute(
            "INSERT INTO log (campaign, at, member, who, what, detail) VALUES (?, ?, ?, ?, ?, ?)",
            (campaign, self._now, member, who, what, detail),
        )

    def read(self, campaign: int, *, after: int = 0, limit: int = 1_000) -> list[LogLine]:
        """Return lines of a campaign, the oldest first.

        Args:
            campaign: number of the campaign.
            after: number of the line after which to begin.
            limit: how many at most.
        """
        rows = self._database.execute(
            "SELECT id, campaign, at, member, who, what, detail FROM log "
            "WHERE campaign = ? AND id > ? ORDER BY id LIMIT ?",
            (campaign, after, limit),
        )
        return [LogLine(*row) for row in rows]

    def of_member(self, member: int) -> list[LogLine]:
        """Return the lines about a member, the oldest first."""
        rows = self._database.execute(
            "SELECT id, campaign, at, member, who, what, detail FROM log WHERE member = ? "
            "ORDER BY id",
            (member,),
        )
        return [LogLine(*row) for row in rows]
