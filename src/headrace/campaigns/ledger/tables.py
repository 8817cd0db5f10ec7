"""The tables of the ledger of campaigns, within one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime

from headrace.campaigns.ledger.campaign_table import CampaignTable
from headrace.campaigns.ledger.change_table import ChangeTable
from headrace.campaigns.ledger.graft_table import GraftTable
from headrace.campaigns.ledger.lane_table import LaneTable
from headrace.campaigns.ledger.log_table import LogTable
from headrace.campaigns.ledger.member_table import MemberTable
from headrace.campaigns.ledger.ready_queue import ReadyQueue
from headrace.campaigns.ledger.start_table import StartTable


class LedgerTables:
    """The tables within one transaction: what is changed in several of them is one change.

    Attributes:
        database: the ledger, in a transaction.
        ledger_id: identifier of the ledger; part of every tag.
        now: the time of the transaction, UTC in ISO format.
        campaigns: the campaigns.
        members: their members.
        queue: those of them that may be started.
        starts: the starts of runs, and the attempts that they are.
        grafts: flows that follow what is done.
        lanes: the states of lanes.
        changes: what people asked for, with what was before.
        log: who did what, when and why.
    """

    def __init__(
        self, database: sqlite3.Connection, ledger_id: str, now: Callable[[], datetime]
    ) -> None:
        self.database = database
        self.ledger_id = ledger_id
        self.now = now().isoformat()
        self.campaigns = CampaignTable(database, self.now)
        self.members = MemberTable(database, self.now)
        self.queue = ReadyQueue(database, self.now)
        self.starts = StartTable(database, self.now, ledger_id)
        self.grafts = GraftTable(database, self.now)
        self.lanes = LaneTable(database, self.now)
        self.changes = ChangeTable(database, self.now)
        self.log = LogTable(database, self.now)
