"""Reading of the ledger of campaigns, beside those who work with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace.campaigns.ledger.ledger_kind import LEDGER_OF_CAMPAIGNS
from headrace.ledger_file.access import open_connection
from headrace.ledger_file.opening import bring_up_to_date


@contextmanager
def read_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger as it is at one moment; nothing is examined, and nothing may be written.

    Args:
        path: the ledger's file, which is there. One of an earlier version is brought up to date.

    Raises:
        CampaignLedgerUnusable: it is empty or damaged.
        CampaignError: it cannot be read, or a newer headrace wrote it.
    """
    with open_connection(path, LEDGER_OF_CAMPAIGNS) as database:
        bring_up_to_date(path, LEDGER_OF_CAMPAIGNS, database)
        database.execute("PRAGMA query_only = ON")
        database.execute("BEGIN")
        yield database
