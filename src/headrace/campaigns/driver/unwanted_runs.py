"""Runs that nobody waits for any more: those of members that were dropped meanwhile."""

from __future__ import annotations

from headrace.campaigns.driver.run_service import RunService
from headrace.campaigns.ledger import CampaignLedger


class UnwantedRuns:
    """Cancels the runs of members that were dropped, where all members of a run were.

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
        """Look for them at the next call: somebody has changed the ledger."""
        self._must_look = True

    def cancel(self) -> int:
        """Ask for the end of runs that nobody waits for, once for each.

        Returns:
            how many were asked for.

        Raises:
            CampaignError: the ledger cannot be read now.
            Exception: the service did not answer.
        """
        if not self._must_look:
            return 0
        with self._ledger.transaction() as tables:
            rows = tables.database.execute(
                "SELECT DISTINCT s.run_id FROM members AS m JOIN attempts AS a ON a.member = m.id "
                "AND a.state = 'open' JOIN starts AS s ON s.id = a.start "
                "WHERE m.state = 'dropped' AND s.state = 'open' AND NOT EXISTS (SELECT 1 "
                "FROM attempts AS o JOIN members AS n ON n.id = o.member "
                "WHERE o.start = s.id AND o.state = 'open' AND n.state <> 'dropped')"
            )
            found = {str(row[0]) for row in rows} - {""}
        new = sorted(found - self._cancelled)
        if new:
            self._service.cancel(new)
        self._cancelled = found
        self._must_look = False
        return len(new)
