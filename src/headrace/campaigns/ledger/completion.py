"""The consequences of work that is done: needs that are met, and grafts that are due."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from headrace.campaigns.ledger.graft_table import GraftTable
from headrace.campaigns.ledger.needs import meet_needs
from headrace.campaigns.ledger.start import Attempt


def follow_finished(
    database: sqlite3.Connection, now: str, finished: Sequence[tuple[Attempt, bool]]
) -> None:
    """Write down what follows legs that are done.

    Args:
        database: the ledger, in a transaction.
        now: the time, UTC in ISO format.
        finished: the attempt of each, and whether its member is done, too.
    """
    grafts = GraftTable(database, now)
    for attempt, is_member_done in finished:
        grafts.follow_leg(attempt, is_member_done=is_member_done)
    follow_members(database, now, [attempt.member for attempt, whether in finished if whether])


def follow_members(database: sqlite3.Connection, now: str, members: Sequence[int]) -> None:
    """Write down what follows members that are done or were dropped.

    Args:
        database: the ledger, in a transaction.
        now: the time, UTC in ISO format.
        members: their numbers.
    """
    if not members:
        return
    meet_needs(database, now, members)
    groups = database.execute(
        "SELECT DISTINCT campaign, grp FROM members WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(members)),),
    ).fetchall()
    GraftTable(database, now).follow_groups([(row[0], row[1]) for row in groups])
