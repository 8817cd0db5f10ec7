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

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from headrace._internal.closing import ClosedOnExit
from headrace.campaigns.ledger.ledger_kind import LEDGER_OF_CAMPAIGNS
from headrace.campaigns.ledger.reading import read_database
from headrace.campaigns.ledger.start import Start
from headrace.campaigns.ledger.tables import LedgerTables
from headrace.ledger_file import LedgerFile


def _now() -> datetime:
    return datetime.now(UTC)


class CampaignLedger(ClosedOnExit):
    """The ledger of campaigns, open; any thread may use it, and others may have it open, too.

    Args:
        path: the SQLite file; it and its directory are made if needed.
        now: returns the time in UTC; for tests.
        start_over: set a ledger that cannot be used aside and begin a new one, or take one that is
            not the one of before, with its campaigns paused; not while others have it open.
        examine: look through all of the file for damage, which takes a second for 100 MB: for a
            driver, not for a command that changes something and ends.

    Raises:
        CampaignLedgerBusy: another process has it to itself.
        CampaignLedgerUnusable: it is missing although there was one, empty, damaged, another one,
            or with starts deleted.
        CampaignError: it cannot be opened, or a newer headrace wrote it.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime] = _now,
        start_over: bool = False,
        examine: bool = True,
    ) -> None:
        self.path = path
        self._now = now
        self._file = LedgerFile(
            path, LEDGER_OF_CAMPAIGNS, start_over=start_over, shared=True, examine=examine
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def ledger_id(self) -> str:
        """Identifier of the ledger; part of every tag."""
        return self._file.ledger_id

    @property
    def data_version(self) -> int:
        """A number that changes when another process has changed the ledger."""
        return self._file.data_version

    def verify(self) -> None:
        """Check that the ledger's file is still in its place.

        Raises:
            CampaignLedgerUnusable: it was deleted, replaced, emptied or written over.
        """
        self._file.verify()

    @contextmanager
    def transaction(self) -> Iterator[LedgerTables]:
        """Run the body in one durable transaction: committed at its end, undone by an exception.

        Raises:
            CampaignLedgerUnusable: the file is not the one any more that was opened, or is damaged.
            CampaignError: it cannot be written now; try again.
        """
        with self._file.transaction() as database:
            yield LedgerTables(database, self.ledger_id, self._now)

    def ensure_counted(self, starts: Iterable[Start]) -> None:
        """Make sure that the file beside the ledger knows of starts; only then may they be sent.

        A copy of the ledger that is put back and does not know of them is noticed by it.

        Args:
            starts: starts that are in the ledger.

        Raises:
            CampaignError: it cannot be written now; try again.
        """
        self._file.ensure_counted(max((start.id for start in starts), default=0))


@contextmanager
def read_ledger(path: Path, *, now: Callable[[], datetime] = _now) -> Iterator[LedgerTables]:
    """Read the ledger as it is at one moment, beside those who work with it; nothing is examined.

    Args:
        path: the ledger's file, which is there.
        now: returns the time in UTC; for tests.

    Raises:
        CampaignLedgerUnusable: it is empty or damaged.
        CampaignError: it cannot be read, or a newer headrace wrote it.
    """
    with read_database(path) as database:
        (ledger,) = database.execute("SELECT ledger FROM identity").fetchone()
        yield LedgerTables(database, str(ledger), now)
