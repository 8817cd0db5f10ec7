"""Needs of members: which of them are met, and that they form no circle."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from headrace.campaigns.errors import NeedsCircle

ALL: Final = "*"
"""The key of a need of every member of a campaign."""

# Members that are done, or whose work another one has done.
IS_DONE: Final = (
    "(m.state = 'done' OR (m.state = 'shared' AND EXISTS (SELECT 1 FROM members AS o "
    "WHERE o.id = m.shared_with AND o.state = 'done')))"
)
_MET: Final = (
    "UPDATE needs SET met = 1 "  # noqa: S608 - our own text
    "WHERE member IN (SELECT value FROM json_each(?)) AND met = 0 AND key <> '*' AND EXISTS "
    "(SELECT 1 FROM campaigns AS c JOIN members AS m ON m.campaign = c.id AND m.key = needs.key "
    f"WHERE c.name = needs.campaign AND {IS_DONE})"
)
_COUNT: Final = "(SELECT count(*) FROM needs WHERE member = members.id AND met = 0)"

# A member, or all members of a campaign (the negative of its number).
Node = int


def parse_need(text: str, campaign: str) -> tuple[str, str]:
    """Return campaign and key of a need.

    Args:
        text: ``KEY``, ``CAMPAIGN:KEY`` or ``CAMPAIGN:*``.
        campaign: name of the campaign of the member that has it.
    """
    other, colon, key = text.partition(":")
    return (other, key) if colon else (campaign, text)


def write_needs(
    database: sqlite3.Connection, needs: Sequence[tuple[int, str, str]], members: Sequence[int]
) -> None:
    """Write down the needs of members, see which are met, and have the members wait for the others.

    Args:
        database: the ledger, in a transaction.
        needs: member, campaign and key of each.
        members: numbers of all members whose needs these are; what they needed before is gone.
    """
    ids = json.dumps(members)
    database.execute("DELETE FROM needs WHERE member IN (SELECT value FROM json_each(?))", (ids,))
    database.executemany(
        "INSERT OR IGNORE INTO needs (member, campaign, key) VALUES (?, ?, ?)", needs
    )
    database.execute(_MET, (ids,))
    for name in {campaign for _, campaign, key in needs if key == ALL}:
        if _is_complete(database, name):
            database.execute(
                "UPDATE needs SET met = 1 WHERE campaign = ? AND key = '*' AND met = 0 "
                "AND member IN (SELECT value FROM json_each(?))",
                (name, ids),
            )
    database.execute(
        f"UPDATE members SET waits_for = {_COUNT} "  # noqa: S608 - our own text
        f"WHERE id IN (SELECT value FROM json_each(?)) AND waits_for <> {_COUNT}",
        (ids,),
    )
    for wrong, right, unmet in (("ready", "waiting", "> 0"), ("waiting", "ready", "= 0")):
        database.execute(
            "UPDATE members SET state = ? WHERE id IN (SELECT value FROM json_each(?)) "  # noqa: S608
            f"AND state = ? AND waits_for {unmet}",
            (right, ids, wrong),
        )


def meet_needs(database: sqlite3.Connection, now: str, members: Iterable[int]) -> None:
    """Write down that the needs of members that are done are met; who waits for no other is ready.

    Args:
        database: the ledger, in a transaction.
        now: the time, UTC in ISO format.
        members: numbers of members that became done or were dropped.
    """
    ids = json.dumps([*members])
    sharers = database.execute(
        "SELECT id FROM members WHERE shared_with IN (SELECT value FROM json_each(?))", (ids,)
    ).fetchall()
    if sharers:
        ids = json.dumps([*json.loads(ids), *(row[0] for row in sharers)])
    done = database.execute(
        "SELECT c.name, m.key, m.campaign FROM members AS m JOIN campaigns AS c "  # noqa: S608
        f"ON c.id = m.campaign WHERE m.id IN (SELECT value FROM json_each(?)) AND {IS_DONE}",
        (ids,),
    ).fetchall()
    met = [(row[0], row[1]) for row in done]
    changed = database.execute(
        "SELECT DISTINCT c.name FROM members AS m JOIN campaigns AS c ON c.id = m.campaign "
        "WHERE m.id IN (SELECT value FROM json_each(?))",
        (ids,),
    ).fetchall()
    for (name,) in changed:
        if _has_unmet(database, name, ALL) and _is_complete(database, name):
            met.append((name, ALL))
    waiting: list[tuple[int]] = []
    for need in met:
        found = database.execute(
            "SELECT member FROM needs WHERE campaign = ? AND key = ? AND met = 0", need
        ).fetchall()
        if found:
            database.execute(
                "UPDATE needs SET met = 1 WHERE campaign = ? AND key = ? AND met = 0", need
            )
            waiting += ((row[0],) for row in found)
    database.executemany(
        "UPDATE members SET waits_for = waits_for - 1, revision = revision + 1, changed_at = ?, "
        "state = CASE WHEN state = 'waiting' AND waits_for = 1 THEN 'ready' ELSE state END "
        "WHERE id = ?",
        [(now, *member) for member in waiting],
    )


def refuse_circles(database: sqlite3.Connection, members: Sequence[int]) -> None:
    """Check that members do not need each other in a circle.

    Args:
        database: the ledger, in a transaction.
        members: numbers of those that were added or have new needs.

    Raises:
        NeedsCircle: they do; the message names their keys in order.
    """
    if not _may_close_a_circle(database, members):
        return
    wanted = _unmet_needs(database)
    finished: set[Node] = set()
    for first in members:
        if first in finished or first not in wanted:
            continue
        path: dict[Node, Iterator[Node]] = {first: iter(wanted[first])}
        while path:
            node, others = next(reversed(path.items()))
            other = next(others, None)
            if other is None:
                finished.add(node)
                del path[node]
            elif other in path:
                nodes = [*path]
                raise NeedsCircle(_circle(database, [*nodes[nodes.index(other) :], other]))
            elif other not in finished:
                path[other] = iter(wanted.get(other, ()))


def _may_close_a_circle(database: sqlite3.Connection, members: Sequence[int]) -> bool:
    """Say whether some of these need something, and some of these are needed by somebody."""
    ids = json.dumps(members)
    needing = database.execute(
        "SELECT 1 FROM needs WHERE member IN (SELECT value FROM json_each(?)) AND met = 0 LIMIT 1",
        (ids,),
    )
    if needing.fetchone() is None:
        return False
    needed = database.execute(
        "SELECT 1 FROM json_each(?) AS each JOIN members AS m ON m.id = each.value "
        "JOIN campaigns AS c ON c.id = m.campaign "
        "JOIN needs AS n ON n.campaign = c.name AND n.key IN (m.key, '*') AND n.met = 0 LIMIT 1",
        (ids,),
    )
    return needed.fetchone() is not None


def _unmet_needs(database: sqlite3.Connection) -> dict[Node, list[Node]]:
    found: dict[Node, list[Node]] = {}
    rows = database.execute(
        "SELECT n.member, m.id FROM needs AS n JOIN campaigns AS c ON c.name = n.campaign "
        "JOIN members AS m ON m.campaign = c.id AND m.key = n.key WHERE n.met = 0 "
        "UNION ALL SELECT n.member, -c.id FROM needs AS n JOIN campaigns AS c "
        "ON c.name = n.campaign WHERE n.met = 0 AND n.key = '*'"
    )
    for member, other in rows:
        found.setdefault(member, []).append(other)
    for campaign in {other for others in found.values() for other in others if other < 0}:
        members = database.execute("SELECT id FROM members WHERE campaign = ?", (-campaign,))
        found[campaign] = [row[0] for row in members if row[0] in found]
    return found


def _circle(database: sqlite3.Connection, nodes: Sequence[Node]) -> str:
    names = []
    for node in nodes:
        if node < 0:
            query = "SELECT name || ':*' FROM campaigns WHERE id = ?"
        else:
            query = "SELECT key FROM members WHERE id = ?"
        names.append(str(database.execute(query, (abs(node),)).fetchone()[0]))
    return (
        f"members need each other in a circle: {' needs '.join(names)}; none of them could ever "
        "begin: take one of these needs out"
    )


def _has_unmet(database: sqlite3.Connection, campaign: str, key: str) -> bool:
    row = database.execute(
        "SELECT 1 FROM needs WHERE campaign = ? AND key = ? AND met = 0 LIMIT 1", (campaign, key)
    )
    return row.fetchone() is not None


def _is_complete(database: sqlite3.Connection, campaign: str) -> bool:
    """Say whether a campaign has members, and all of them are done or were dropped."""
    row = database.execute("SELECT id FROM campaigns WHERE name = ?", (campaign,)).fetchone()
    return row is not None and is_finished(database, row[0])


def is_finished(database: sqlite3.Connection, campaign: int, group: str | None = None) -> bool:
    """Say whether a campaign or a group has members that are done, and none that is not.

    Args:
        database: the ledger, in a transaction.
        campaign: number of the campaign.
        group: the group; None for all of the campaign.
    """
    where, values = "campaign = ?", (campaign,)
    if group is not None:
        where, values = "campaign = ? AND grp = ?", (campaign, group)  # type: ignore[assignment]
    left, done = (
        database.execute(
            f"SELECT 1 FROM members WHERE {where} AND state IN ({states}) LIMIT 1",  # noqa: S608
            values,
        ).fetchone()
        for states in (
            "'waiting', 'ready', 'starting', 'running', 'failed', 'held', 'asking'",
            "'done'",
        )
    )
    return left is None and done is not None
