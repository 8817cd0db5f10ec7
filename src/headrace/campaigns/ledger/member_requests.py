"""Changes of members that people ask for: `requests` offers them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from headrace.campaigns.ledger.change import Change
from headrace.campaigns.ledger.completion import follow_members
from headrace.campaigns.ledger.member import UNDER_WAY
from headrace.campaigns.ledger.tables import LedgerTables

_SHOWN_IN_LOG: Final = 5


def hold(
    tables: LedgerTables, campaign: int, members: Sequence[int], *, who: str, reason: str = ""
) -> Change:
    """Have members wait until they are released; what is under way ends its leg first.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        members: numbers of its members.
        who: the person.
        reason: why.
    """

    def decide(row: sqlite3.Row) -> dict[str, Any] | str:
        if row["state"] in ("waiting", "ready"):
            return {"state": "held", "cause": reason}
        if row["state"] in UNDER_WAY and not row["hold_requested"]:
            return {"hold_requested": 1}
        return _is_already(row, "held" if row["hold_requested"] else row["state"])

    change = tables.changes.change_members(campaign, "hold", members, decide, who=who)
    return _logged(tables, campaign, change, who, reason)


def release(tables: LedgerTables, campaign: int, members: Sequence[int], *, who: str) -> Change:
    """Have members that are held, or are to be, go on.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        members: numbers of its members.
        who: the person.
    """

    def decide(row: sqlite3.Row) -> dict[str, Any] | str:
        if row["state"] == "held":
            return {"state": _ready(row), "cause": ""}
        if row["state"] in UNDER_WAY and row["hold_requested"]:
            return {"hold_requested": 0}
        return f"is {row['state']}, not held"

    change = tables.changes.change_members(campaign, "release", members, decide, who=who)
    return _logged(tables, campaign, change, who)


def drop(
    tables: LedgerTables, campaign: int, members: Sequence[int], *, who: str, reason: str = ""
) -> Change:
    """Take members out of a campaign; their records stay, and their runs are for nothing.

    Where another member shares the work of one that is dropped, it does that work itself.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        members: numbers of its members.
        who: the person.
        reason: why.
    """
    ids: list[int] = []
    heirs: dict[int, int] = {}
    wanted = set(members)

    def decide(row: sqlite3.Row) -> dict[str, Any] | str:
        if row["state"] in ("done", "dropped"):
            return f"is {row['state']}"
        ids.append(row["id"])
        values: dict[str, Any] = {"state": "dropped", "cause": reason, "hold_requested": 0}
        heir = _heir(tables.database, row["id"], wanted)
        if heir is not None:
            heirs[row["id"]] = values["taken_over_by"] = heir
        return values

    change = tables.changes.change_members(campaign, "drop", members, decide, who=who)
    for member, heir in heirs.items():
        _take_over(tables, change.id, member, heir, wanted)
    follow_members(tables.database, tables.now, ids)
    return _logged(tables, campaign, change, who, reason)


def retry(
    tables: LedgerTables,
    campaign: int,
    members: Sequence[int],
    *,
    who: str,
    step: str | None = None,
) -> Change:
    """Have members tried again: those that failed or were dropped, and those that wait to be.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        members: numbers of its members.
        who: the person.
        step: the step from which they are done again, from its first leg; also those that are done.
            None for the leg at which they failed.
    """
    states = ("failed", "dropped") if step is None else ("failed", "dropped", "held", "done")

    def decide(row: sqlite3.Row) -> dict[str, Any] | str:
        anew: dict[str, Any] = {"attempts": 0, "free_attempts": 0, "not_before": ""}
        anew |= {"avoided_lane": "", "cause": "", "cause_category": ""}
        if row["state"] in states:
            if row["state"] == "dropped" and _has_open_attempt(tables.database, row["id"]):
                return "was dropped while it ran, and its run has not ended yet"
            at = {} if step is None else {"step": step, "leg": 1, "attempt": 0}
            return {"state": _ready(row), **anew, **at, "hold_requested": 0}
        if row["state"] == "ready" and row["not_before"]:
            return anew
        return f"is {row['state']}"

    subject = step or ""
    change = tables.changes.change_members(
        campaign, "retry", members, decide, who=who, subject=subject
    )
    return _logged(tables, campaign, change, who)


def move(
    tables: LedgerTables, campaign: int, members: Sequence[int], lane: str, *, who: str
) -> Change:
    """Have members do their next attempts in a lane; what is under way ends where it is.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        members: numbers of its members.
        lane: name of the lane; "" for any.
        who: the person.
    """

    def decide(row: sqlite3.Row) -> dict[str, Any] | str:
        if row["state"] in ("done", "dropped", "shared"):
            return f"is {row['state']}"
        if row["wanted_lane"] == lane:
            return f"is wanted in {lane} already" if lane else "may be in any lane already"
        return {"wanted_lane": lane, "avoided_lane": ""}

    change = tables.changes.change_members(campaign, "move", members, decide, who=who, subject=lane)
    return _logged(tables, campaign, change, who, lane)


def set_priority(
    tables: LedgerTables, campaign: int, members: Sequence[int], priority: float, *, who: str
) -> Change:
    """Set the priority of members; higher ones are started first.

    Args:
        tables: the ledger, in a transaction.
        campaign: number of the campaign.
        members: numbers of its members.
        priority: their priority from now on.
        who: the person.
    """

    def decide(row: sqlite3.Row) -> dict[str, Any] | str:
        if row["state"] in ("done", "dropped"):
            return f"is {row['state']}"
        if row["priority"] == priority:
            return "has this priority already"
        return {"priority": float(priority)}

    subject = f"{priority:g}"
    change = tables.changes.change_members(
        campaign, "priority", members, decide, who=who, subject=subject
    )
    return _logged(tables, campaign, change, who, subject)


def _ready(row: sqlite3.Row) -> str:
    return "waiting" if row["waits_for"] else "ready"


def _is_already(row: sqlite3.Row, state: str) -> str:
    return f"is {state} already" if state == "held" else f"is {row['state']}"


def _has_open_attempt(database: sqlite3.Connection, member: int) -> bool:
    row = database.execute("SELECT 1 FROM attempts WHERE member = ? AND state = 'open'", (member,))
    return row.fetchone() is not None


def _heir(database: sqlite3.Connection, member: int, dropped: set[int]) -> int | None:
    """Return the member that does the work of one that is dropped, from now on."""
    rows = database.execute(
        "SELECT id FROM members WHERE shared_with = ? AND state = 'shared' ORDER BY id", (member,)
    )
    return next((row[0] for row in rows if row[0] not in dropped), None)


def _take_over(
    tables: LedgerTables, change: int, member: int, heir: int, dropped: set[int]
) -> None:
    rows = tables.database.execute(
        "SELECT id, waits_for FROM members WHERE shared_with = ? AND state = 'shared'", (member,)
    ).fetchall()
    for row in rows:
        if row["id"] == heir:
            values: dict[str, Any] = {"state": _ready(row), "shared_with": None}
        else:
            values = {"shared_with": heir}
        if row["id"] not in dropped:
            tables.changes.include(change, row["id"], values)


def _logged(
    tables: LedgerTables, campaign: int, change: Change, who: str, detail: str = ""
) -> Change:
    if not change.is_empty:
        message = shown_keys(change.changed) + (f": {detail}" if detail else "")
        tables.log.add(campaign, change.verb, message, who=who)
    return change


def shown_keys(keys: Sequence[str]) -> str:
    """Return some keys in one line, and how many more there are."""
    shown = ", ".join(keys[:_SHOWN_IN_LOG])
    return f"{shown} and {len(keys) - _SHOWN_IN_LOG:,} more" if keys[_SHOWN_IN_LOG:] else shown
