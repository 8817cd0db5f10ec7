"""The table of grafts: flows that follow a leg, a member, a group or a campaign, each once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.ledger_table import LedgerTable
from headrace.campaigns.ledger.needs import is_finished
from headrace.campaigns.ledger.start import Attempt

GraftAfter = Literal["leg", "member", "group", "campaign"]
GraftState = Literal["due", "open", "done", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Graft:
    """A flow that follows parts of a campaign.

    Attributes:
        id: its number in this ledger.
        campaign: number of its campaign.
        after: what it follows.
        flow: name of the flow.
        definition: flow, input, label and condition, as they were written.
        added_at: when it was added, UTC in ISO format.
    """

    id: int
    campaign: int
    after: GraftAfter
    flow: str
    definition: Mapping[str, Any]
    added_at: str


@dataclass(frozen=True, slots=True)
class GraftStart:
    """One thing that a graft follows.

    Attributes:
        id: its number in this ledger.
        graft: number of the graft.
        subject: what it follows: ``KEY/STEP-LEG``, a key, a group; "" for the campaign.
        state: "due" until its run is about to be started; "skipped" where its condition is false.
        member: the member, where it follows one or a leg.
        attempt: the attempt that is followed, likewise.
        start: the start of its run; None before.
        cause: why its run failed, or was skipped.
        due_at: when it became due, UTC in ISO format.
    """

    id: int
    graft: int
    subject: str
    state: GraftState
    member: int | None
    attempt: int | None
    start: int | None
    cause: str
    due_at: str


_DUE = "INSERT OR IGNORE INTO graft_starts (graft, subject, member, attempt, due_at) "


class GraftTable(LedgerTable):
    """The grafts of a ledger."""

    def __init__(self, database: sqlite3.Connection, now: str) -> None:
        super().__init__(database, now)
        self._of_campaign: dict[int, list[Graft]] = {}

    def add(self, campaign: int, after: GraftAfter, definition: Mapping[str, Any]) -> Graft:
        """Add a graft; what it follows and is done already is due at once.

        The same graft of a campaign is added once.

        Args:
            campaign: number of the campaign.
            after: what it follows.
            definition: its table in the campaign's file; "flow" names the flow.
        """
        text = json.dumps(definition, ensure_ascii=False, allow_nan=False, sort_keys=True)
        known = self._database.execute(
            "SELECT id FROM grafts WHERE campaign = ? AND after = ? AND definition = ?",
            (campaign, after, text),
        ).fetchone()
        if known is None:
            added = self._database.execute(
                "INSERT INTO grafts (campaign, after, flow, definition, added_at) "
                "VALUES (?, ?, ?, ?, ?)",
                (campaign, after, str(definition["flow"]), text, self._now),
            )
            self._of_campaign.pop(campaign, None)
            self._follow_all(campaign, after, int(added.lastrowid or 0))
        (graft,) = (
            graft
            for graft in self.all(campaign)
            if graft.after == after and graft.definition == json.loads(text)
        )
        return graft

    def all(self, campaign: int) -> list[Graft]:
        """Return the grafts of a campaign, the oldest first."""
        if campaign not in self._of_campaign:
            rows = self._database.execute(
                "SELECT id, campaign, after, flow, definition, added_at FROM grafts "
                "WHERE campaign = ? ORDER BY id",
                (campaign,),
            )
            self._of_campaign[campaign] = [
                Graft(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5]) for row in rows
            ]
        return self._of_campaign[campaign]

    def due(self, graft: int, limit: int) -> list[GraftStart]:
        """Return what a graft follows and has not followed yet, the oldest first.

        Args:
            graft: number of the graft.
            limit: how many at most.
        """
        rows = self._database.execute(
            "SELECT * FROM graft_starts INDEXED BY graft_due WHERE graft = ? AND state = 'due' "
            "ORDER BY id LIMIT ?",
            (graft, limit),
        )
        return [GraftStart(*row) for row in rows]

    def get(self, graft_start: int) -> GraftStart:
        """Return one thing that a graft follows, by its number."""
        row = self._database.execute("SELECT * FROM graft_starts WHERE id = ?", (graft_start,))
        return GraftStart(*row.fetchone())

    def find_start(self, start: int) -> GraftStart | None:
        """Return what the graft whose run this is follows; None where it is no graft's start."""
        row = self._database.execute(
            "SELECT * FROM graft_starts WHERE start = ?", (start,)
        ).fetchone()
        return GraftStart(*row) if row else None

    def counts(self, campaign: int) -> dict[int, dict[str, int]]:
        """Return how many starts of each graft of a campaign are in each state."""
        found: dict[int, dict[str, int]] = {graft.id: {} for graft in self.all(campaign)}
        rows = self._database.execute(
            "SELECT s.graft, s.state, count(*) FROM grafts AS g JOIN graft_starts AS s "
            "ON s.graft = g.id WHERE g.campaign = ? GROUP BY s.graft, s.state",
            (campaign,),
        )
        for graft, state, number in rows:
            found[graft][state] = number
        return found

    def skip(self, graft_start: int, reason: str) -> None:
        """Write down that a due graft is not to be started, such as where its condition is false.

        Args:
            graft_start: number of what it follows.
            reason: why.
        """
        self._database.execute(
            "UPDATE graft_starts SET state = 'skipped', cause = ? WHERE id = ? AND state = 'due'",
            (reason, graft_start),
        )

    def retry(self, graft: int) -> int:
        """Have the failed starts of a graft be due again, and return how many they are."""
        return self._database.execute(
            "UPDATE graft_starts SET state = 'due', start = NULL, cause = '' "
            "WHERE graft = ? AND state = 'failed'",
            (graft,),
        ).rowcount

    def mark_open(self, graft_start: int, start: int) -> None:
        """Write down that the run of a due graft is about to be started.

        Raises:
            CampaignError: it is not due.
        """
        changed = self._database.execute(
            "UPDATE graft_starts SET state = 'open', start = ? WHERE id = ? AND state = 'due'",
            (start, graft_start),
        )
        if changed.rowcount != 1:
            raise CampaignError(f"graft {graft_start} is not due, and no run may be started for it")

    def mark_ended(self, start: int, succeeded: bool, cause: str) -> None:
        """Write down that the run of a graft has ended."""
        self._database.execute(
            "UPDATE graft_starts SET state = ?, cause = ? WHERE start = ? AND state = 'open'",
            ("done" if succeeded else "failed", cause, start),
        )

    # -- what becomes due

    def follow_leg(self, attempt: Attempt, *, is_member_done: bool) -> None:
        """Have the grafts after a leg be due, and those after its member if that is done."""
        for graft in self.all(attempt.campaign):
            if graft.after == "leg":
                subject = "key || '/' || ? || '-' || printf('%03d', ?)"
                values: tuple[str | int, ...] = (attempt.step, attempt.leg)
            elif graft.after == "member" and is_member_done:
                subject, values = "key", ()
            else:
                continue
            self._database.execute(
                f"{_DUE} SELECT ?, {subject}, id, ?, ? FROM members WHERE id = ?",  # noqa: S608
                (graft.id, *values, attempt.id, self._now, attempt.member),
            )

    def follow_groups(self, groups: Iterable[tuple[int, str]]) -> None:
        """Have the grafts after groups and campaigns be due that are finished.

        Args:
            groups: number of the campaign and name of the group of members that are finished.
        """
        seen: set[tuple[int, str | None]] = set()
        for campaign, group in groups:
            for graft in self.all(campaign):
                subject = group if graft.after == "group" else None
                if graft.after in ("leg", "member") or subject == "":
                    continue
                if (campaign, subject) in seen or is_finished(self._database, campaign, subject):
                    seen.add((campaign, subject))
                    self._add_due(graft.id, subject or "")

    def _add_due(self, graft: int, subject: str) -> None:
        self._database.execute(f"{_DUE} VALUES (?, ?, NULL, NULL, ?)", (graft, subject, self._now))

    def _follow_all(self, campaign: int, after: GraftAfter, graft: int) -> None:
        """Have a new graft follow what is done already."""
        if after == "leg":
            self._database.execute(
                f"{_DUE} SELECT ?, "  # noqa: S608 - our own text
                "m.key || '/' || a.step || '-' || printf('%03d', a.leg), m.id, a.id, ? "
                "FROM attempts AS a JOIN members AS m ON m.id = a.member "
                "WHERE a.campaign = ? AND a.accepted ORDER BY a.id",
                (graft, self._now, campaign),
            )
        elif after == "member":
            self._database.execute(
                f"{_DUE} SELECT ?, m.key, m.id, "  # noqa: S608 - our own text
                "(SELECT max(a.id) FROM attempts AS a "
                "WHERE a.member = m.id AND a.accepted), ? FROM members AS m "
                "WHERE m.campaign = ? AND m.state = 'done' ORDER BY m.id",
                (graft, self._now, campaign),
            )
        else:
            groups: Sequence[sqlite3.Row] = self._database.execute(
                "SELECT DISTINCT grp FROM members WHERE campaign = ?", (campaign,)
            ).fetchall()
            self.follow_groups((campaign, row[0]) for row in groups)
