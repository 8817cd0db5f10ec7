"""Base of what works on the ledger beside the service, and tells of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

from headrace.campaigns.driver.events import CampaignEvent, EventListener
from headrace.campaigns.driver.run_service import RunService
from headrace.campaigns.ledger import CampaignLedger, LedgerTables, Start
from headrace.campaigns.ledger.start import START_COLUMNS, start_from_row


class LedgerWorker:
    """Base of what reads the ledger, asks the service, writes what follows, and tells of it.

    Args:
        ledger: the ledger.
        service: has the runs, and knows the endpoints.
        on_event: called with what was done, after it is in the ledger.
        now: the time, in UTC.
    """

    def __init__(
        self,
        ledger: CampaignLedger,
        service: RunService,
        on_event: EventListener,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._service = service
        self._on_event = on_event
        self._now = now

    def _notify(self, events: Iterable[CampaignEvent]) -> None:
        for event in events:
            self._on_event(event)


def unanswered_starts(
    tables: LedgerTables, campaign: int, kind: Literal["member", "graft"], limit: int
) -> list[Start]:
    """Read the oldest starts that nobody has an answer for.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        kind: whether those of members or of grafts.
        limit: how many at most.
    """
    rows = tables.database.execute(
        f"SELECT {START_COLUMNS} FROM starts "  # noqa: S608 - our own text
        "WHERE campaign = ? AND state = 'intent' AND kind = ? ORDER BY id LIMIT ?",
        (campaign, kind, limit),
    )
    return [start_from_row(row) for row in rows.fetchall()]
