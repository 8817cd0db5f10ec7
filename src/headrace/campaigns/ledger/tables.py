"""The tables of the ledger of campaigns, within one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime

from headrace.campaigns.ledger.campaign_table import CampaignTable
from headrace.campaigns.ledger.member_table import MemberTable


class LedgerTables:
    """The tables within one transaction: what is changed in several of them is one change.

    Attributes:
        database: the ledger, in a transaction.
        ledger_id: identifier of the ledger; part of every tag.
        now: the time of the transaction, UTC in ISO format.
        campaigns: the campaigns.
        members: their members.
    """

    def __init__(
        self, database: sqlite3.Connection, ledger_id: str, now: Callable[[], datetime]
    ) -> None:
        self.database = database
        self.ledger_id = ledger_id
        self.now = now().isoformat()
        self.campaigns = CampaignTable(database, self.now)
        self.members = MemberTable(database, self.now)
