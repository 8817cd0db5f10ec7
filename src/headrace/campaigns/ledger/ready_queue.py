"""The queue of members that may be started, read in the order of their priorities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from headrace.campaigns.ledger.ledger_table import LedgerTable
from headrace.campaigns.ledger.member import MEMBER_COLUMNS, Member, member_from_row

# Sorts behind all times.
_NEVER: Final = "9999"


@dataclass(frozen=True, slots=True)
class QueueName:
    """The members that the same lanes may take.

    Attributes:
        category: of the members; "" for any.
        wanted_lane: where a person wants them; "" for any.
    """

    category: str
    wanted_lane: str


class ReadyQueue(LedgerTable):
    """The members of campaigns that are ready; each query reads an index, no more than it gives."""

    def names(self, campaign: int) -> Iterator[QueueName]:
        """Yield the queues of a campaign in which somebody waits, sorted.

        Members whose next attempt may not begin yet are in none; see `wake`.

        Args:
            campaign: number of the campaign.
        """
        beyond, last = "", ()
        while True:
            row = self._database.execute(
                "SELECT category, wanted_lane FROM members INDEXED BY ready "  # noqa: S608
                f"WHERE campaign = ? AND state = 'ready' AND not_before = '' {beyond} "
                "ORDER BY category, wanted_lane LIMIT 1",
                (campaign, *last),
            ).fetchone()
            if row is None:
                return
            yield QueueName(*row)
            beyond, last = "AND (category, wanted_lane) > (?, ?)", tuple(row)

    def read(self, campaign: int, queue: QueueName, limit: int) -> list[Member]:
        """Return the first members of a queue: of the highest priority, in the order of the table.

        Args:
            campaign: number of the campaign.
            queue: the queue.
            limit: how many at most.
        """
        rows = self._database.execute(
            f"SELECT {MEMBER_COLUMNS} FROM members INDEXED BY ready "  # noqa: S608 - our own text
            "WHERE campaign = ? AND state = 'ready' AND not_before = '' "
            "AND category = ? AND wanted_lane = ? ORDER BY priority DESC, id LIMIT ?",
            (campaign, queue.category, queue.wanted_lane, limit),
        )
        return [member_from_row(row) for row in rows]

    def wake(self, campaign: int, longest: float | None = None) -> str:
        """Put members whose time has come into their queues.

        Args:
            campaign: number of the campaign.
            longest: seconds that nobody waits longer than; a time beyond them was written by a
                clock that was set back since, and has come. None for any time.

        Returns:
            when the next one's time comes, UTC in ISO format; "" where none waits for a time.
        """
        self._database.execute(
            "UPDATE members INDEXED BY delayed SET not_before = '' "
            "WHERE campaign = ? AND state = 'ready' AND not_before <> '' "
            "AND (not_before <= ? OR not_before > ?)",
            (campaign, self._now, _later(self._now, longest)),
        )
        (moment,) = self._database.execute(
            "SELECT min(not_before) FROM members INDEXED BY delayed "
            "WHERE campaign = ? AND state = 'ready' AND not_before <> ''",
            (campaign,),
        ).fetchone()
        return str(moment or "")


def _later(now: str, seconds: float | None) -> str:
    if seconds is None:
        return _NEVER
    return (datetime.fromisoformat(now) + timedelta(seconds=seconds)).isoformat()
