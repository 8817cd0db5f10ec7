"""The ends of attempts: written down, and their members moved on, within a transaction."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.member import MemberState
from headrace.campaigns.ledger.start import Attempt, AttemptEnd, AttemptState

_AFTER_AN_END: Final[frozenset[MemberState]] = frozenset({"ready", "done", "failed", "held"})


def write_attempt(
    database: sqlite3.Connection,
    now: str,
    attempt: Attempt,
    end: AttemptEnd,
    state: AttemptState,
    *,
    accepted: bool,
) -> None:
    """Write down how an attempt ended.

    Args:
        database: the ledger, in a transaction.
        now: the time, UTC in ISO format.
        attempt: the attempt.
        end: its end.
        state: its state from now on.
        accepted: whether its outputs are those of its leg.
    """
    if accepted:
        # Of a leg that was repeated on request, the later one counts.
        database.execute(
            "UPDATE attempts SET accepted = 0 "
            "WHERE member = ? AND step = ? AND leg = ? AND accepted",
            (attempt.member, attempt.step, attempt.leg),
        )
    database.execute(
        "UPDATE attempts SET state = ?, counted = ?, accepted = ?, ended_at = ?, "
        "core_hours = ?, host = ?, cause = ?, cause_category = ?, facts = ? WHERE id = ?",
        (
            *(state, end.counted and not end.done, accepted, now, end.core_hours),
            *(end.host, end.cause, end.cause_category, _text(end.facts), attempt.id),
        ),
    )


def move_member(database: sqlite3.Connection, now: str, attempt: Attempt, end: AttemptEnd) -> bool:
    """Have a member go on from an attempt that was its open one.

    Args:
        database: the ledger, in a transaction.
        now: the time, UTC in ISO format.
        attempt: the attempt.
        end: its end, which says how the member goes on.

    Returns:
        whether it does: what was dropped meanwhile does not.

    Raises:
        CampaignError: no member is so after an attempt.
    """
    if end.then not in _AFTER_AN_END:
        raise CampaignError(f"no member is {end.then} after the end of an attempt")
    row = database.execute(
        "SELECT state, facts, grow, hold_requested, waits_for FROM members WHERE id = ?",
        (attempt.member,),
    ).fetchone()
    if row["state"] not in ("starting", "running", "asking"):
        return False
    step = attempt.step if end.step is None else end.step
    leg = end.leg if end.leg is not None else attempt.leg if step == attempt.step else 1
    goes_on = (step, leg) != (attempt.step, attempt.leg)
    then = end.then
    if then == "ready":
        then = "held" if row["hold_requested"] else "waiting" if row["waits_for"] else "ready"
    facts = {**json.loads(row["facts"]), **end.facts} if end.done else None
    grow = end.grow if end.grow is not None else {} if step != attempt.step else None
    database.execute(
        "UPDATE members SET state = ?, step = ?, leg = ?, cause = ?, cause_category = ?, "
        "attempt = CASE WHEN ? THEN 0 ELSE attempt END, "
        "attempts = CASE WHEN ? THEN 0 ELSE attempts + ? END, "
        "free_attempts = CASE WHEN ? THEN 0 ELSE free_attempts + ? END, "
        "core_hours = core_hours + ?, not_before = ?, avoided_lane = ?, hold_requested = 0, "
        "accepted_directory = CASE WHEN ? THEN ? ELSE accepted_directory END, "
        "facts = coalesce(?, facts), grow = coalesce(?, grow), "
        "changed_at = ?, revision = revision + 1 WHERE id = ?",
        (
            *(then, step, leg, end.cause, end.cause_category, goes_on),
            *(goes_on, end.counted and not end.done),
            *(goes_on, end.has_run and not end.counted and not end.done),
            *(end.core_hours, end.not_before, end.avoided_lane),
            *(end.done, attempt.directory),
            *(None if facts is None else _text(facts), None if grow is None else _text(grow)),
            *(now, attempt.member),
        ),
    )
    return True


def _text(values: object) -> str:
    return json.dumps(values, ensure_ascii=False, allow_nan=False, default=dict)
