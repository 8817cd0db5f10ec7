"""A ledger of campaigns with one campaign, for tests that look at its members."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from headrace._internal.closing import ClosedOnExit
from headrace.campaigns.ledger import (
    AddedMembers,
    AttemptEnd,
    CampaignLedger,
    EndedStart,
    Member,
    NewMember,
    NewStart,
    Start,
)


class FilledLedger(ClosedOnExit):
    """A ledger whose clock a test moves, and whose calls name members by their keys.

    Args:
        path: the ledger's file.
        name: the campaign.
    """

    def __init__(self, path: Path, name: str = "napa") -> None:
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.ledger = CampaignLedger(path, now=lambda: self.time)
        self.transaction = self.ledger.transaction
        with self.transaction() as tables:
            self.campaign = tables.campaigns.add(name, {"title": name}, "sha").id

    def close(self) -> None:
        self.ledger.close()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)

    def add(self, *members: NewMember | str, step: str = "start") -> AddedMembers:
        """Add members; a text is the key of one without columns."""
        each = (NewMember(one) if isinstance(one, str) else one for one in members)
        with self.transaction() as tables:
            return tables.members.add(self.campaign, each, step=step)

    def member(self, key: str) -> Member:
        with self.transaction() as tables:
            return tables.members.get(self.campaign, key)

    def states(self) -> dict[str, str]:
        """Return the states of all members by their keys."""
        with self.transaction() as tables:
            rows = tables.database.execute(
                "SELECT key, state FROM members WHERE campaign = ? ORDER BY id", (self.campaign,)
            )
            return dict(rows.fetchall())

    def begin(self, *keys: str, lane: str = "") -> Start:
        """Begin one start of members that are ready: several are a pack."""
        ids = tuple(self.member(key).id for key in keys)
        step = self.member(keys[0]).step
        with self.transaction() as tables:
            (start,) = tables.starts.begin(self.campaign, [NewStart("md", ids, lane, step)])
        return start

    def run(self, *keys: str, lane: str = "") -> Start:
        """Begin a start, and write down its run."""
        start = self.begin(*keys, lane=lane)
        with self.transaction() as tables:
            tables.starts.mark_open(start.id, f"run-{start.id}")
            return tables.starts.get(start.id)

    def end(
        self, start: Start, status: str, *ends: AttemptEnd, core_hours: float = 0
    ) -> EndedStart:
        with self.transaction() as tables:
            return tables.starts.end(start.id, status, ends, core_hours=core_hours)

    def finish(self, *keys: str) -> None:
        """Have members run once and be done."""
        for key in keys:
            start = self.run(key)
            self.end(start, "SUCCEEDED", AttemptEnd(self.member(key).id, done=True, then="done"))
