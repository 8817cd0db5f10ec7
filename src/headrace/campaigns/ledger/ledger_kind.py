"""The ledger of campaigns, as `headrace.ledger_file` has to know it."""

from __future__ import annotations

import sqlite3
from typing import Final

from headrace.campaigns.errors import CampaignError, CampaignLedgerBusy, CampaignLedgerUnusable
from headrace.campaigns.ledger import schema
from headrace.ledger_file import LedgerErrors, LedgerKind


def _pause_campaigns(database: sqlite3.Connection) -> None:
    """Have a person look before a ledger goes on that may not know of every start."""
    database.execute(
        "UPDATE campaigns SET state = 'paused', pause_reason = 'its ledger is not the one of "
        "before, and may not know of all runs: see what goes on, then resume' "
        "WHERE state = 'started'"
    )


LEDGER_OF_CAMPAIGNS: Final = LedgerKind(
    name="ledger of campaigns",
    table="starts",
    row="start",
    user="driver",
    busy="another headrace has this ledger to itself; wait until it has ended",
    way_out=(
        "put a copy of it back, or go on with `headrace campaign drive --start-over` (one that is "
        "gone begins anew, and all members with it; another or an older one is taken, with its "
        "campaigns paused)"
    ),
    version=schema.VERSION,
    create=schema.create_tables,
    upgrade=schema.upgrade_tables,
    renew=_pause_campaigns,
    errors=LedgerErrors(
        error=CampaignError, busy=CampaignLedgerBusy, unusable=CampaignLedgerUnusable
    ),
)
