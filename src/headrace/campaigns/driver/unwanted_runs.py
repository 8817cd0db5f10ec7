"""Runs that nobody waits for any more: their members were dropped, or have left for other lanes."""

from __future__ import annotations

from headrace.campaigns.driver.run_service import RunService
from headrace.campaigns.ledger import AttemptEnd, CampaignLedger, LedgerTables

_DROPPED = "it was dropped while it ran"


class UnwantedRuns:
    """Cancels the runs that none of their members waits for.

    Args:
        ledger: the ledger.
        service: cancels them.
    """

    def __init__(self, ledger: CampaignLedger, service: RunService) -> None:
        self._ledger = ledger
        self._service = service
        self._cancelled: set[str] = set()
        self._must_look = True

    def look_again(self) -> None:
        """Look for them at the next call: the ledger has changed."""
        self._must_look = True

    def cancel(self) -> int:
        """Ask for the end of runs that nobody waits for, once for each.

        Their attempts are waited for no longer, so that a member whose drop is undone is started
        anew, and does not fail because its run was cancelled.

        Returns:
            how many were asked for.

        Raises:
            CampaignError: the ledger cannot be written now.
            Exception: the service did not answer; they are asked for again.
        """
        if not self._must_look:
            return 0
        with self._ledger.transaction() as tables:
            rows = tables.database.execute(
                "SELECT id, run_id FROM starts INDEXED BY open_starts "
                "WHERE state IN ('intent', 'open') AND kind = 'member' AND NOT EXISTS "
                "(SELECT 1 FROM attempts AS a JOIN members AS m ON m.id = a.member "
                "WHERE a.start = starts.id AND a.state = 'open' AND m.state <> 'dropped')"
            ).fetchall()
            found = {str(run_id): start for start, run_id in rows if run_id}
            new = sorted(found.keys() - self._cancelled)
            for run_id in new:
                _supersede(tables, found[run_id])
        if new:
            self._service.cancel(new)
        self._cancelled = set(found)
        # One whose run nobody knows yet is cancelled once it is known.
        self._must_look = len(found) < len(rows)
        return len(new)


def _supersede(tables: LedgerTables, start: int) -> None:
    ends = [
        AttemptEnd(attempt.member, False, "ready", cause=_DROPPED, cause_category="dropped")
        for attempt in tables.starts.attempts(start)
        if attempt.state == "open"
    ]
    tables.starts.supersede(start, ends)
