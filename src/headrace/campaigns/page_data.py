"""Data of a page about a campaign: bars, a strip of all members, a page of them, one's history.

Each function is a few queries that indexes answer, so that a page of 100,000 members is made in
tenths of a second.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.member import (
    MEMBER_COLUMNS,
    STATES,
    Member,
    MemberState,
    member_from_row,
)
from headrace.campaigns.ledger.start import ATTEMPT_COLUMNS, Attempt, attempt_from_row

MOST_BINS: Final = 5_000
# What a cell shows that stands for several members: the one of them that most wants a look.
_FIRST_SHOWN: Final[tuple[MemberState, ...]] = (
    *("failed", "asking", "held", "running", "starting", "ready", "waiting"),
    *("done", "shared", "dropped"),
)


@dataclass(frozen=True)
class StripCell:
    """A cell of the strip of all members, in the order in which they were added.

    Attributes:
        first: number of its first member.
        last: number of the last that it may stand for.
        counts: members by state.
    """

    first: int
    last: int
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def state(self) -> MemberState:
        """The state that it is shown in: of its members that which most wants a look."""
        return next(state for state in _FIRST_SHOWN if self.counts.get(state))


@dataclass(frozen=True)
class MemberChain:
    """A member and all that became of it.

    Attributes:
        member: the member.
        attempts: its attempts, the oldest first.
        run_ids: the run of each attempt, "" where it has none.
        statuses: how that run ended, "" before.
        needs: what it needs, each with whether that is met.
        needed_by: keys of members that need it.
        log: what was done with it, the oldest first: ``at``, ``who``, ``what``, ``detail``.
    """

    member: Member
    attempts: tuple[Attempt, ...]
    run_ids: tuple[str, ...]
    statuses: tuple[str, ...]
    needs: tuple[tuple[str, bool], ...]
    needed_by: tuple[str, ...]
    log: tuple[Mapping[str, str], ...]


def member_strip(
    database: sqlite3.Connection, campaign: int, bins: int = MOST_BINS
) -> list[StripCell]:
    """Return all members of a campaign in cells, in the order in which they were added.

    Args:
        database: the ledger.
        campaign: number of the campaign.
        bins: cells at most; with fewer members each has its own.
    """
    first, last = database.execute(
        "SELECT min(id), max(id) FROM members INDEXED BY by_state WHERE campaign = ?", (campaign,)
    ).fetchone()
    if first is None:
        return []
    size = max(1, -(-(last - first + 1) // bins))
    rows = database.execute(
        "SELECT (id - ?) / ?, state, count(*) FROM members INDEXED BY by_state WHERE campaign = ? "
        "GROUP BY 1, 2",
        (first, size, campaign),
    )
    cells: dict[int, dict[str, int]] = {}
    for cell, state, count in rows:
        cells.setdefault(cell, {})[state] = count
    return [
        StripCell(first + cell * size, min(last, first + (cell + 1) * size - 1), counts)
        for cell, counts in sorted(cells.items())
    ]


def members_between(
    database: sqlite3.Connection, campaign: int, first: int, last: int, limit: int = 50
) -> list[Member]:
    """Return the members of a cell.

    Args:
        database: the ledger.
        campaign: number of the campaign.
        first: number of its first member.
        last: number of its last.
        limit: how many at most.
    """
    rows = database.execute(
        f"SELECT {MEMBER_COLUMNS} FROM members WHERE campaign = ? "  # noqa: S608 - our own text
        "AND id BETWEEN ? AND ? ORDER BY id LIMIT ?",
        (campaign, first, last, limit),
    )
    return [member_from_row(row) for row in rows]


def state_bars(groups: Mapping[str, Mapping[str, int]]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return counts of states by name as bars, each part in the order of `STATES`.

    Args:
        groups: as `headrace.campaigns.status.group_counts` gives them.
    """
    return [
        (name, [(state, counts[state]) for state in STATES if counts.get(state)])
        for name, counts in groups.items()
    ]


def read_chain(database: sqlite3.Connection, campaign: int, name: str, key: str) -> MemberChain:
    """Read all that became of a member.

    Args:
        database: the ledger.
        campaign: number of the campaign.
        name: its name.
        key: the member.

    Raises:
        CampaignError: the campaign has none of that key; the message has the nearest.
    """
    member = _member(database, campaign, name, key)
    rows = database.execute(
        f"SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE member = ? ORDER BY id",  # noqa: S608
        (member.id,),
    ).fetchall()
    attempts = tuple(attempt_from_row(row) for row in rows)
    starts = {
        row["id"]: row
        for row in database.execute(
            "SELECT id, run_id, status FROM starts WHERE id IN "
            "(SELECT start FROM attempts WHERE member = ?)",
            (member.id,),
        )
    }
    needs = database.execute(
        "SELECT campaign, key, met FROM needs WHERE member = ? ORDER BY campaign, key", (member.id,)
    ).fetchall()
    needed_by = database.execute(
        "SELECT members.key FROM needs JOIN members ON members.id = needs.member "
        "WHERE needs.campaign = ? AND needs.key = ? AND needs.met = 0 ORDER BY members.id LIMIT 50",
        (name, key),
    )
    log = database.execute(
        "SELECT at, who, what, detail FROM log WHERE member = ? ORDER BY id", (member.id,)
    )
    return MemberChain(
        member,
        attempts,
        tuple(str(starts[each.start]["run_id"]) for each in attempts),
        tuple(str(starts[each.start]["status"]) for each in attempts),
        tuple((_need(name, row["campaign"], row["key"]), bool(row["met"])) for row in needs),
        tuple(str(row[0]) for row in needed_by),
        tuple(dict(row) for row in log),
    )


def next_command(chain: MemberChain, name: str, target: str) -> str:
    """Return the command that goes on with a member; "" where nothing is to be done.

    Args:
        chain: the member.
        name: of its campaign.
        target: where its runs are started.
    """
    from headrace.config import at_option

    command = _next_command(chain, name)
    return command and f"{command}{at_option(target)}"


def _next_command(chain: MemberChain, name: str) -> str:
    from headrace._internal.shell_words import shell_word

    member = chain.member
    key = shell_word(member.key)
    if member.state == "failed":
        return f"headrace campaign retry {name} {key}"
    if member.state == "held":
        return f"headrace campaign release {name} {key}"
    if member.state == "asking" and member.run_id:
        return f"headrace run show {member.run_id}"
    if member.state == "running" and member.run_id:
        return f"headrace run output {member.run_id} --follow"
    if member.state == "done":
        return f"headrace campaign get {name} {key}"
    return ""


def _member(database: sqlite3.Connection, campaign: int, name: str, key: str) -> Member:
    row = database.execute(
        f"SELECT {MEMBER_COLUMNS} FROM members WHERE campaign = ? AND key = ?",  # noqa: S608
        (campaign, key),
    ).fetchone()
    if row is None:
        raise CampaignError(
            f"campaign {name} has no member {key!r}{_near(database, campaign, key)}; "
            f"see `headrace campaign list {name}`"
        )
    return member_from_row(row)


def _near(database: sqlite3.Connection, campaign: int, key: str) -> str:
    """Return the nearest key among those that begin alike."""
    from headrace._internal.near_names import did_you_mean

    begin = key[:2]
    rows = database.execute(
        "SELECT key FROM members WHERE campaign = ? AND key >= ? AND key < ? LIMIT 2000",
        (campaign, begin, begin + "\U0010ffff"),
    )
    near = did_you_mean(key, [str(row[0]) for row in rows])
    return f"; {near}" if near else ""


def _need(name: str, campaign: str, key: str) -> str:
    return key if campaign == name else f"{campaign}:{key}"


def chain_document(chain: MemberChain) -> dict[str, Any]:
    """Return a member's chain as JSON shows it."""
    from dataclasses import asdict

    attempts: Sequence[Attempt] = chain.attempts
    return {
        **asdict(chain.member),
        "tries": [
            {**asdict(each), "run_id": run_id, "status": status}
            for each, run_id, status in zip(attempts, chain.run_ids, chain.statuses, strict=True)
        ],
        "needs": [{"key": key, "met": met} for key, met in chain.needs],
        "needed_by": list(chain.needed_by),
        "log": [dict(entry) for entry in chain.log],
    }
