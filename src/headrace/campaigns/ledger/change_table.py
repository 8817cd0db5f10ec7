"""The table of changes that people asked for, with what was before; within a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headrace.campaigns.ledger.change import Change
from headrace.campaigns.ledger.ledger_table import LedgerTable

KEPT: Final = (
    *("state", "priority", "step", "leg", "attempt", "attempts", "free_attempts", "wanted_lane"),
    *("avoided_lane", "not_before", "hold_requested", "cause", "cause_category", "shared_with"),
)
"""Columns of members that requests change."""
# A change of the state is undone only where the member has not gone on since.
_PLACE: Final = ("step", "leg", "attempt", "free_attempts")
_AT_ONCE: Final = 1_000

# Returns new values of columns, or why a member is left as it is.
Decision = Callable[[sqlite3.Row], "dict[str, Any] | str"]


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A change that was made.

    Attributes:
        id: its number in this ledger.
        verb: what was asked for.
        at: when, UTC in ISO format.
        who: the person.
        count: how many members it changed.
        subject: the lane or the value that was asked for; "" for none.
        before: values of the campaign or the lane before it; empty where it changed members.
        after: likewise, after it.
    """

    id: int
    verb: str
    at: str
    who: str
    count: int
    subject: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class ChangeTable(LedgerTable):
    """The changes of a ledger."""

    def change_members(
        self,
        campaign: int,
        verb: str,
        members: Sequence[int],
        decide: Decision,
        *,
        who: str,
        subject: str = "",
    ) -> Change:
        """Change members, and keep what was before.

        Args:
            campaign: number of their campaign; members of another one are left out.
            verb: what was asked for.
            members: their numbers.
            decide: returns the new values of a member's columns, or why it is left as it is.
            who: the person.
            subject: the value that was asked for.
        """
        changed: list[str] = []
        left: dict[str, list[str]] = {}
        change = 0
        for first in range(0, len(members), _AT_ONCE):
            for row in self._rows(campaign, members[first : first + _AT_ONCE]):
                values = decide(row)
                if isinstance(values, str):
                    left.setdefault(values, []).append(row["key"])
                    continue
                change = change or self._add(campaign, verb, who, subject)
                changed.append(row["key"])
                self._write(change, row, values)
        if change:
            self._database.execute(
                "UPDATE changes SET count = ? WHERE id = ?", (len(changed), change)
            )
        reasons = {reason: tuple(keys) for reason, keys in left.items()}
        return Change(change, verb, subject, tuple(changed), reasons)

    def include(self, change: int, member: int, values: Mapping[str, Any]) -> None:
        """Change another member as part of a change that was made.

        Args:
            change: number of the change.
            member: number of the member.
            values: new values of its columns.
        """
        row = self._database.execute("SELECT * FROM members WHERE id = ?", (member,)).fetchone()
        self._write(change, row, values)

    def record(
        self,
        campaign: int,
        verb: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        *,
        who: str,
        subject: str = "",
    ) -> Change:
        """Keep what a campaign or a lane was before a change of it.

        Args:
            campaign: number of the campaign.
            verb: what was asked for.
            before: the values before.
            after: the values after.
            who: the person.
            subject: the lane; "" for the campaign.
        """
        if before == after:
            return Change(0, verb, subject)
        id_ = self._add(campaign, verb, who, subject)
        self._database.execute(
            "UPDATE changes SET before = ?, after = ? WHERE id = ?",
            (json.dumps(before), json.dumps(after), id_),
        )
        return Change(id_, verb, subject)

    def last(self, campaign: int) -> RecordedChange | None:
        """Return the last change of a campaign that was not undone; None where there is none."""
        row = self._database.execute(
            "SELECT id, verb, at, who, count, subject, before, after FROM changes "
            "WHERE campaign = ? AND NOT undone ORDER BY id DESC LIMIT 1",
            (campaign,),
        ).fetchone()
        if row is None:
            return None
        values = {**dict(row), **{name: json.loads(row[name]) for name in ("before", "after")}}
        return RecordedChange(**values)

    def mark_undone(self, change: int) -> None:
        """Write down that a change was undone."""
        self._database.execute("UPDATE changes SET undone = 1 WHERE id = ?", (change,))

    def restore_members(self, change: int) -> tuple[list[str], dict[str, list[str]], list[int]]:
        """Give members the values that they had before a change, where they have not gone on.

        Args:
            change: number of the change.

        Returns:
            keys of those that have them again; why others have not, with their keys; and numbers of
            the first ones.
        """
        rows = self._database.execute(
            "SELECT m.*, c.before AS before, c.after AS after FROM change_members AS c "
            "JOIN members AS m ON m.id = c.member WHERE c.change = ? ORDER BY c.member",
            (change,),
        ).fetchall()
        after = {row["id"]: json.loads(row["after"]) for row in rows}
        differences = {row["id"]: _difference(row, after[row["id"]]) for row in rows}
        restored: list[str] = []
        left: dict[str, list[str]] = {}
        ids: list[int] = []
        for row in rows:
            reason = differences[row["id"]]
            if not reason and differences.get(after[row["id"]].get("taken_over_by", 0)):
                reason = "is done by another member now"
            if reason:
                left.setdefault(reason, []).append(row["key"])
                continue
            self._set(row["id"], self._possible(row, json.loads(row["before"])))
            restored.append(row["key"])
            ids.append(row["id"])
        return restored, left, ids

    # -- inside

    def _add(self, campaign: int, verb: str, who: str, subject: str) -> int:
        added = self._database.execute(
            "INSERT INTO changes (campaign, verb, at, who, count, subject) "
            "VALUES (?, ?, ?, ?, 0, ?)",
            (campaign, verb, self._now, who, subject),
        )
        return int(added.lastrowid or 0)

    def _rows(self, campaign: int, members: Sequence[int]) -> list[sqlite3.Row]:
        return self._database.execute(
            "SELECT * FROM members WHERE campaign = ? "
            "AND id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (campaign, json.dumps(list(members))),
        ).fetchall()

    def _write(self, change: int, row: sqlite3.Row, values: Mapping[str, Any]) -> None:
        columns = {name: value for name, value in values.items() if name in KEPT}
        before = {name: row[name] for name in columns}
        after = dict(values)
        if "state" in values:
            after |= {name: row[name] for name in _PLACE if name not in values}
        if "shared_with" in values:
            # Work is shared again only where it is still the same.
            after["content"] = row["content"]
        self._database.execute(
            "INSERT INTO change_members (change, member, before, after) VALUES (?, ?, ?, ?)",
            (change, row["id"], json.dumps(before), json.dumps(after)),
        )
        self._set(row["id"], columns)

    def _set(self, member: int, values: Mapping[str, Any]) -> None:
        assignments = "".join(f"{name} = ?, " for name in values)
        self._database.execute(
            f"UPDATE members SET {assignments}changed_at = ?, "  # noqa: S608 - names are ours
            "revision = revision + 1 WHERE id = ?",
            (*values.values(), self._now, member),
        )

    def _possible(self, row: sqlite3.Row, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return values of before, with a state that can be now."""
        values = dict(before)
        state = values.get("state")
        if state in ("starting", "running", "asking"):
            attempt = self._database.execute(
                "SELECT s.state FROM attempts AS a JOIN starts AS s ON s.id = a.start "
                "WHERE a.member = ? AND a.state = 'open'",
                (row["id"],),
            ).fetchone()
            if attempt is None:
                state = "ready"
            elif state == "starting" and attempt[0] == "open":
                state = "running"
        if state in ("waiting", "ready"):
            state = "waiting" if row["waits_for"] else "ready"
        if state is not None:
            values["state"] = state
        return values


def _difference(row: sqlite3.Row, after: Mapping[str, Any]) -> str:
    """Return why a member is not any more what a change made of it; "" if it is."""
    for name, value in after.items():
        if name not in KEPT and name != "content":
            continue
        now = row[name]
        if name == "state" and {value, now} == {"waiting", "ready"}:
            continue
        if now != value:
            return f"is {row['state']} now" if name in ("state", *_PLACE) else "was changed since"
    return ""
