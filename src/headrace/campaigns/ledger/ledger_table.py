"""Base of the tables of a ledger."""

from __future__ import annotations

import sqlite3


class LedgerTable:
    """Rows of one kind in a ledger, within a transaction.

    Args:
        database: the ledger, in a transaction.
        now: the time, UTC in ISO format.
    """

    def __init__(self, database: sqlite3.Connection, now: str) -> None:
        self._database = database
        self._now = now
