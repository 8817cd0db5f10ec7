"""The table of campaigns, within a transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from headrace._internal.near_names import known_names
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.campaign_row import CampaignRow, CampaignState, campaign_from_row
from headrace.campaigns.ledger.ledger_table import LedgerTable


class CampaignTable(LedgerTable):
    """The campaigns of a ledger."""

    def add(
        self, name: str, definition: Mapping[str, Any], sha: str, *, priority: float = 0.0
    ) -> CampaignRow:
        """Add a campaign, or give one that is there its new definition.

        Args:
            name: its name.
            definition: its file, as plain JSON values.
            sha: SHA-256 of the file.
            priority: among campaigns; higher first.

        Returns:
            the campaign; its state is "draft" if it is new.
        """
        text = json.dumps(definition, ensure_ascii=False, allow_nan=False)
        self._database.execute(
            "INSERT INTO campaigns (name, definition, definition_sha, priority, created_at) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "definition = excluded.definition, definition_sha = excluded.definition_sha, "
            "priority = excluded.priority",
            (name, text, sha, priority, self._now),
        )
        return self.get(name)

    def find(self, name: str) -> CampaignRow | None:
        """Return a campaign by its name; None where the ledger has none of that name."""
        row = self._database.execute("SELECT * FROM campaigns WHERE name = ?", (name,)).fetchone()
        return campaign_from_row(row) if row else None

    def get(self, name: str) -> CampaignRow:
        """Return a campaign by its name.

        Raises:
            CampaignError: the ledger has none of that name.
        """
        found = self.find(name)
        if found is None:
            names = [row[0] for row in self._database.execute("SELECT name FROM campaigns")]
            known = known_names(name, names)
            raise CampaignError(f"no campaign {name!r} was started or given members; {known}")
        return found

    def all(self) -> list[CampaignRow]:
        """Return all campaigns, those of the highest priority first, then the oldest."""
        rows = self._database.execute("SELECT * FROM campaigns ORDER BY priority DESC, id")
        return [campaign_from_row(row) for row in rows]

    def set_state(self, campaign: int, state: CampaignState, reason: str = "") -> None:
        """Write down the state of a campaign.

        Args:
            campaign: its number.
            state: its state from now on.
            reason: why it is paused.
        """
        self._database.execute(
            "UPDATE campaigns SET state = ?, pause_reason = ?, "
            "started_at = CASE WHEN ? = 'started' AND started_at = '' THEN ? ELSE started_at END, "
            "ended_at = CASE WHEN ? = 'ended' THEN ? ELSE '' END WHERE id = ?",
            (state, reason, state, self._now, state, self._now, campaign),
        )
