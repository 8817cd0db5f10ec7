"""The ledger of campaigns: one file for all campaigns of a project at a target.

::

    with CampaignLedger(path) as ledger:
        with ledger.transaction() as tables:
            campaign = tables.campaigns.add("napa", definition, sha, priority=10)
            tables.members.add(campaign.id, members, step="start")

A member moves through these states; every arrow is part of one durable transaction::

    waiting (needs) ──> ready ──> starting ──> running ──> done
                        ^  ^          │          │  └────> failed, asking
                        │  └──────────┴──────────┘ next leg, step or attempt
                        held, dropped (by a person); shared (another member does the same work)

A start is written down, with its attempts, before its run is asked for; the run carries the tag of
the start, by which it is found again. What an attempt brings counts only as long as it is the open
one of its member.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from headrace._internal.closing import ClosedOnExit
from headrace.campaigns.errors import CampaignError, CampaignLedgerUnusable
from headrace.campaigns.ledger import schema
from headrace.campaigns.ledger.tables import LedgerTables


def _now() -> datetime:
    return datetime.now(UTC)


class CampaignLedger(ClosedOnExit):
    """The ledger of campaigns, open; any thread may use it.

    Args:
        path: the SQLite file; it and its directory are made if needed.
        now: returns the time in UTC; for tests.

    Raises:
        CampaignLedgerBusy: another process has it to itself.
        CampaignLedgerUnusable: it is missing although there was one, empty, damaged or another.
        CampaignError: it cannot be opened, or a newer headrace wrote it.
    """

    def __init__(self, path: Path, *, now: Callable[[], datetime] = _now) -> None:
        self.path = path
        self._now = now
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                path, isolation_level=None, timeout=30.0, check_same_thread=False
            )
            self._database.row_factory = sqlite3.Row
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("BEGIN IMMEDIATE")
            if self._database.execute("PRAGMA user_version").fetchone()[0] == 0:
                schema.create_tables(self._database)
            self._database.execute("COMMIT")
            (self._ledger_id,) = self._database.execute("SELECT ledger FROM identity").fetchone()
        except (sqlite3.Error, OSError) as error:
            raise CampaignLedgerUnusable(f"{path}: cannot use the ledger: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def ledger_id(self) -> str:
        """Identifier of the ledger; part of every tag."""
        return str(self._ledger_id)

    @contextmanager
    def transaction(self) -> Iterator[LedgerTables]:
        """Run the body in one durable transaction: committed at its end, undone by an exception.

        Raises:
            CampaignLedgerUnusable: the file is not the one any more that was opened, or is damaged.
            CampaignError: it cannot be written now; try again.
        """
        database = self._database
        try:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield LedgerTables(database, self.ledger_id, self._now)
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise CampaignError(f"{self.path}: cannot use the ledger: {error}") from error
