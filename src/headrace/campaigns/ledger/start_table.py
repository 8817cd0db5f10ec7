"""The table of starts and of the attempts that they are, within a transaction.

A start is written down as an intent with its attempts (`begin`), and only then sent. When its run
is known it is open (`mark_open`), until it has ended (`end`) or was refused for good (`refuse`).
After a crash each intent is looked up by its tag, or sent again with it: the service gives the run
that it made for that tag.

A member has one open attempt at most. What is waited for no longer is superseded: when it ends
after all, its cost is written down, and nothing else changes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.attempt_ends import move_member, write_attempt
from headrace.campaigns.ledger.completion import follow_finished
from headrace.campaigns.ledger.graft_table import GraftTable
from headrace.campaigns.ledger.ledger_table import LedgerTable
from headrace.campaigns.ledger.member import attempt_directory
from headrace.campaigns.ledger.start import (
    ATTEMPT_COLUMNS,
    START_COLUMNS,
    Attempt,
    AttemptEnd,
    AttemptState,
    NewStart,
    Start,
    attempt_from_row,
    start_from_row,
)

# Hexadecimal digits of the ledger's identifier that a tag has.
_LEDGER_IN_TAG: Final = 12
_UNDER_WAY: Final = "('starting', 'running', 'asking')"


@dataclass(frozen=True, slots=True)
class EndedStart:
    """The answer to the end of a start.

    Attributes:
        accepted: numbers of the members whose attempts were taken, as done or failed.
        superseded: numbers of those whose attempts counted no longer.
    """

    accepted: tuple[int, ...] = ()
    superseded: tuple[int, ...] = ()


class StartTable(LedgerTable):
    """The starts of a ledger, and their attempts.

    Args:
        database: the ledger, in a transaction.
        now: the time, UTC in ISO format.
        ledger_id: identifier of the ledger.
    """

    def __init__(self, database: sqlite3.Connection, now: str, ledger_id: str) -> None:
        super().__init__(database, now)
        self._prefix = f"headrace:c:{ledger_id[:_LEDGER_IN_TAG]}"

    # -- from the intent to the run

    def begin(self, campaign: int, starts: Iterable[NewStart]) -> list[Start]:
        """Write down that runs are about to be started; only then may they be.

        Args:
            campaign: number of the campaign.
            starts: the runs; their members are ready, their grafts due.

        Returns:
            the starts, in order; each with its tag.

        Raises:
            CampaignError: a member is not ready, or a graft not due.
        """
        (newest,) = self._database.execute("SELECT coalesce(max(id), 0) FROM starts").fetchone()
        ids = []
        for id_, start in enumerate(starts, newest + 1):
            ids.append(id_)
            kind = "graft" if start.graft_start is not None else "member"
            self._database.execute(
                "INSERT INTO starts (id, campaign, kind, lane, flow, step, size, tag, body_sha, "
                "created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(id_, campaign, kind, start.lane, start.flow, start.step),
                    *(len(start.members), f"{self._prefix}:{id_}", start.body_sha, self._now),
                ),
            )
            for member in start.members:
                self._begin_attempt(campaign, id_, member, start)
            if start.graft_start is not None:
                GraftTable(self._database, self._now).mark_open(start.graft_start, id_)
        return self.read(ids)

    def mark_open(self, start: int, run_id: str) -> None:
        """Write down the run of a start.

        Args:
            start: number of the start, an intent; or one that has this run already.
            run_id: the run.

        Raises:
            CampaignError: it has another run, has ended or was refused.
        """
        changed = self._database.execute(
            "UPDATE starts SET state = 'open', run_id = ?, started_at = ? "
            "WHERE id = ? AND state = 'intent'",
            (run_id, self._now, start),
        )
        if changed.rowcount != 1:
            found = self.get(start)
            if (found.state, found.run_id) != ("open", run_id):
                raise CampaignError(
                    f"start {start} is {found.state}, with run {found.run_id or 'none'}, and got "
                    f"run {run_id}; was the ledger changed by hand? Put a copy of it back"
                )
            return
        self._database.execute(
            "UPDATE members SET state = 'running', run_id = ?, changed_at = ?, "  # noqa: S608
            f"revision = revision + 1 WHERE start = ? AND state IN {_UNDER_WAY} AND id IN "
            "(SELECT member FROM attempts WHERE start = ? AND state = 'open')",
            (run_id, self._now, start, start),
        )

    def mark_asking(self, start: int, question: str) -> None:
        """Write down that a run waits for a person; "" that it does so no longer.

        Args:
            start: number of the start.
            question: what it waits for.
        """
        state = "asking" if question else "running"
        self._database.execute(
            "UPDATE members SET state = ?, cause = ?, changed_at = ?, revision = revision + 1 "
            "WHERE start = ? AND state IN ('running', 'asking') AND (state <> ? OR cause <> ?) "
            "AND id IN (SELECT member FROM attempts WHERE start = ? AND state = 'open')",
            (state, question, self._now, start, state, question, start),
        )

    # -- from the run to its end

    def end(
        self,
        start: int,
        status: str,
        ends: Sequence[AttemptEnd] = (),
        *,
        cause: str = "",
        core_hours: float = 0.0,
    ) -> EndedStart:
        """Write down that the run of a start has ended, and what becomes of its members.

        Args:
            start: number of the start; one whose end is known already changes nothing.
            status: of the run: SUCCEEDED, FAILED and others.
            ends: of each member whose attempt is open. Others are superseded already.
            cause: why it failed.
            core_hours: what the run used; added to what the campaign has spent.

        Raises:
            CampaignError: a member with an open attempt has no end here.
        """
        return self._end(start, "ended", status, ends, cause, core_hours)

    def refuse(
        self, start: int, cause: str, ends: Sequence[AttemptEnd] = (), *, status: str = ""
    ) -> EndedStart:
        """Write down that a run was refused for good: there is none, and never will be.

        Args:
            start: number of the start.
            cause: why.
            ends: of each member whose attempt is open.
            status: kind of the refusal, if there are several.

        Raises:
            CampaignError: a member with an open attempt has no end here.
        """
        return self._end(start, "refused", status, ends, cause, 0.0)

    def supersede(self, start: int, ends: Sequence[AttemptEnd]) -> tuple[int, ...]:
        """Wait for attempts no longer, as when their lane is lost; their run may go on.

        Args:
            start: number of the start, which stays open: its run may still come to its end.
            ends: of each member that is to have another attempt, not done.

        Returns:
            the members whose attempts were open until now.
        """
        found = {attempt.member: attempt for attempt in self.attempts(start)}
        changed = []
        for end in ends:
            attempt = found[end.member]
            if attempt.state != "open" or end.done:
                continue
            write_attempt(self._database, self._now, attempt, end, "superseded", accepted=False)
            if move_member(self._database, self._now, attempt, end):
                changed.append(end.member)
        return tuple(changed)

    # -- reading

    def read(self, ids: Sequence[int]) -> list[Start]:
        """Return starts by their numbers, in the order of their numbers."""
        rows = self._database.execute(
            f"SELECT {START_COLUMNS} FROM starts "  # noqa: S608 - our own text
            "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(list(ids)),),
        )
        return [start_from_row(row) for row in rows]

    def get(self, start: int) -> Start:
        """Return a start by its number.

        Raises:
            CampaignError: there is none.
        """
        found = self.read([start])
        if not found:
            raise CampaignError(f"the ledger of campaigns has no start {start}")
        return found[0]

    def find_run(self, run_id: str) -> Start | None:
        """Return the start of a run; None where it is none of the ledger's."""
        row = self._database.execute(
            f"SELECT {START_COLUMNS} FROM starts "  # noqa: S608 - our own text
            "WHERE run_id = ? AND run_id <> ''",
            (run_id,),
        ).fetchone()
        return start_from_row(row) if row else None

    def under_way(self, campaign: int) -> list[Start]:
        """Return the starts of a campaign that have not ended, intents too, the oldest first."""
        rows = self._database.execute(
            f"SELECT {START_COLUMNS} FROM starts INDEXED BY open_starts "  # noqa: S608
            "WHERE campaign = ? AND state IN ('intent', 'open') ORDER BY id",
            (campaign,),
        )
        return [start_from_row(row) for row in rows]

    def flows_under_way(self, campaign: int) -> tuple[str, ...]:
        """Return the names of the flows of a campaign's starts that have not ended."""
        rows = self._database.execute(
            "SELECT DISTINCT flow FROM starts INDEXED BY open_starts "
            "WHERE campaign = ? AND state IN ('intent', 'open') ORDER BY flow",
            (campaign,),
        )
        return tuple(str(row[0]) for row in rows)

    def attempts(self, start: int) -> list[Attempt]:
        """Return the attempts that a start is, in the order of their members."""
        return self._attempts("start = ? ORDER BY member", start)

    def attempts_of(self, member: int) -> list[Attempt]:
        """Return all attempts of a member, the oldest first."""
        return self._attempts("member = ? ORDER BY id", member)

    def open_by_lane(self, campaign: int) -> dict[str, int]:
        """Return how many members of a campaign have an open attempt in each lane."""
        rows = self._database.execute(
            "SELECT lane, count(*) FROM attempts INDEXED BY open_by_lane "
            "WHERE campaign = ? AND state = 'open' GROUP BY lane",
            (campaign,),
        )
        return dict(rows.fetchall())

    def count_since(self, campaign: int, moment: str) -> int:
        """Return how many starts of a campaign were written since a moment, UTC in ISO format."""
        (number,) = self._database.execute(
            "SELECT count(*) FROM starts WHERE campaign = ? AND created_at >= ?",
            (campaign, moment),
        ).fetchone()
        return int(number)

    def ended_attempts(self, campaign: int, limit: int) -> list[Attempt]:
        """Return the attempts of a campaign that ended last, the latest first.

        Args:
            campaign: number of the campaign.
            limit: how many at most.
        """
        where = "campaign = ? AND ended_at <> '' AND state <> 'superseded' ORDER BY ended_at DESC"
        return self._attempts(f"{where}, id DESC LIMIT {int(limit)}", campaign)

    # -- inside

    def _attempts(self, where: str, value: int) -> list[Attempt]:
        query = f"SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE {where}"  # noqa: S608 - our own text
        return [attempt_from_row(row) for row in self._database.execute(query, (value,))]

    def _begin_attempt(self, campaign: int, id_: int, member: int, start: NewStart) -> None:
        row = self._database.execute(
            "SELECT key, step, leg, state, (SELECT coalesce(max(a.attempt), 0) + 1 FROM attempts "
            "AS a WHERE a.member = m.id AND a.step = m.step AND a.leg = m.leg) AS number "
            "FROM members AS m WHERE id = ? AND campaign = ?",
            (member, campaign),
        ).fetchone()
        if row is None or row["state"] != "ready":
            found = f"{row['key']} is {row['state']}" if row else f"{member} is not of the campaign"
            raise CampaignError(f"member {found}, and no run of it may be started")
        key, step, leg, number = row["key"], row["step"], row["leg"], row["number"]
        self._database.execute(
            "UPDATE members SET state = 'starting', lane = ?, start = ?, run_id = '', attempt = ?, "
            "cause = '', changed_at = ?, revision = revision + 1 WHERE id = ?",
            (start.lane, id_, number, self._now, member),
        )
        self._database.execute(
            "INSERT INTO attempts (campaign, member, start, step, leg, attempt, lane, directory, "
            "created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(campaign, member, id_, step, leg, number, start.lane),
                *(attempt_directory(key, step, leg, number), self._now),
            ),
        )

    def _end(
        self,
        start: int,
        state: str,
        status: str,
        ends: Sequence[AttemptEnd],
        cause: str,
        core_hours: float,
    ) -> EndedStart:
        found = self.get(start)
        if found.state in ("ended", "refused"):
            return EndedStart()
        self._database.execute(
            "UPDATE starts SET state = ?, status = ?, cause = ?, core_hours = ?, ended_at = ? "
            "WHERE id = ?",
            (state, status, cause, core_hours, self._now, start),
        )
        if core_hours:
            self._database.execute(
                "UPDATE campaigns SET spent_core_hours = spent_core_hours + ? WHERE id = ?",
                (core_hours, found.campaign),
            )
        if found.kind == "graft":
            succeeded = status == "SUCCEEDED"
            GraftTable(self._database, self._now).mark_ended(start, succeeded, cause)
            return EndedStart()
        return self._end_attempts(start, {end.member: end for end in ends})

    def _end_attempts(self, start: int, ends: dict[int, AttemptEnd]) -> EndedStart:
        accepted, superseded, finished = [], [], []
        for attempt in self.attempts(start):
            end = ends.get(attempt.member)
            if end is None:
                if attempt.state == "open":
                    raise CampaignError(
                        f"start {start} has ended, and nothing is said of member {attempt.member}"
                    )
                end = AttemptEnd(attempt.member, done=False, then="ready")
            if attempt.state != "open" or self._is_dropped(attempt.member):
                if attempt.state == "superseded":
                    # Why nobody waited for it stays.
                    end = replace(
                        end,
                        done=False,
                        cause=attempt.cause,
                        cause_category=attempt.cause_category,
                        counted=attempt.counted,
                    )
                write_attempt(self._database, self._now, attempt, end, "superseded", accepted=False)
                superseded.append(attempt.member)
                continue
            state: AttemptState = "done" if end.done else "failed"
            write_attempt(self._database, self._now, attempt, end, state, accepted=end.done)
            move_member(self._database, self._now, attempt, end)
            accepted.append(attempt.member)
            if end.done:
                finished.append((attempt, end.then == "done"))
        follow_finished(self._database, self._now, finished)
        return EndedStart(tuple(accepted), tuple(superseded))

    def _is_dropped(self, member: int) -> bool:
        row = self._database.execute("SELECT state FROM members WHERE id = ?", (member,)).fetchone()
        return bool(row[0] == "dropped")
