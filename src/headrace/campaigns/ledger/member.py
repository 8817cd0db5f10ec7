"""Members of campaigns: those that are to be added, and those that the ledger has."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

MemberState = Literal[
    "waiting",
    "ready",
    "starting",
    "running",
    "done",
    "failed",
    "held",
    "asking",
    "dropped",
    "shared",
]
MemberSource = Literal["table", "added", "next", "trigger", "directory"]

STATES: Final[tuple[MemberState, ...]] = get_args(MemberState)
# With an attempt under way, or about to be sent.
UNDER_WAY: Final[tuple[MemberState, ...]] = ("starting", "running", "asking")
# Nothing is left to do.
FINISHED: Final[tuple[MemberState, ...]] = ("done", "dropped", "shared")


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member that is to be added to a campaign.

    Attributes:
        key: its name, unique in the campaign.
        row: its columns; plain JSON values.
        group: by which it is selected and told; "" for none.
        category: which lanes may take it; "" for any.
        priority: higher first.
        needs: what must be done before: keys of this campaign, ``CAMPAIGN:KEY`` of another one,
            ``CAMPAIGN:*`` for all of that.
        hash: equal for equal work, which is done once; "" to have it done whatever others do.
        source: where it came from.
        depth: how many members before it added one another by what they returned.
    """

    key: str
    row: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""
    category: str = ""
    priority: float = 0.0
    needs: tuple[str, ...] = ()
    hash: str = ""
    source: MemberSource = "table"
    depth: int = 0


@dataclass(frozen=True, slots=True)
class AddedMembers:
    """The answer to adding members.

    Attributes:
        added: how many are new.
        updated: keys of those that were there, had not begun, and got their new rows.
        kept: keys of those whose rows differ, but that had begun: they stay as they are.
        unchanged: how many were there with the same row.
        shared: keys of those whose work another member does.
    """

    added: int = 0
    updated: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unchanged: int = 0
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """One member, as the ledger has it. Times are UTC in ISO format, "" where there is none.

    Attributes:
        id: its number in this ledger; the order of the table.
        campaign: number of its campaign.
        key: its name, unique in the campaign.
        state: where it stands.
        group: by which it is selected; "" for none.
        category: which lanes may take it; "" for any.
        priority: higher first.
        step: name of the step that it is at.
        leg: number of the leg of this step, from 1.
        attempt: number of the latest attempt of this leg; 0 before the first.
        attempts: failures of this leg that count.
        free_attempts: failures of this leg that do not.
        lane: where it is, or was last; "" before its first start.
        wanted_lane: where a person wants it; "" for any.
        avoided_lane: where its next attempt shall not be, if there is another; "" for none.
        start: number of the start that is under way, or was last.
        run_id: the run of that start; "" until it is known.
        cause: why it failed last, or waits for a person; "" where it did not.
        cause_category: kind of that cause.
        waits_for: how many of its needs are not met.
        not_before: when its next attempt may begin at the earliest.
        hold_requested: whether it is held when its attempt has ended.
        core_hours: of all its attempts.
        accepted_directory: directory of its last accepted attempt; "" before the first.
        shared_with: the member that does its work.
        source: where it came from.
        depth: how many members before it added one another by what they returned.
        revision: number of its changes.
        created_at: when it was added.
        changed_at: when it was changed last.
        hash: equal for equal work; "" where nothing is shared.
        grow: factors of resources, by name, which failures have made larger.
        facts: what its accepted attempts have found.
        row: its columns.
    """

    id: int
    campaign: int
    key: str
    state: MemberState
    group: str
    category: str
    priority: float
    step: str
    leg: int
    attempt: int
    attempts: int
    free_attempts: int
    lane: str
    wanted_lane: str
    avoided_lane: str
    start: int | None
    run_id: str
    cause: str
    cause_category: str
    waits_for: int
    not_before: str
    hold_requested: bool
    core_hours: float
    accepted_directory: str
    shared_with: int | None
    source: MemberSource
    depth: int
    revision: int
    created_at: str
    changed_at: str
    hash: str
    grow: Mapping[str, float]
    facts: Mapping[str, Any]
    row: Mapping[str, Any]


_COLUMNS: Final = tuple("grp" if name == "group" else name for name in Member.__dataclass_fields__)
MEMBER_COLUMNS: Final = ", ".join(f"members.{name}" for name in _COLUMNS)
"""What a query must select for `member_from_row`."""
_HOLD: Final = _COLUMNS.index("hold_requested")
_JSON: Final = _COLUMNS.index("grow")


def member_from_row(row: sqlite3.Row) -> Member:
    """Make a member from a row with `MEMBER_COLUMNS`, in their order, at its beginning."""
    values = list(row[: len(_COLUMNS)])
    values[_HOLD] = bool(values[_HOLD])
    values[_JSON:] = [json.loads(text) for text in values[_JSON:]]
    return Member(*values)


def attempt_directory(key: str, step: str, leg: int, attempt: int) -> str:
    """Return the directory of an attempt: no other writes there, however late it is.

    Args:
        key: the member.
        step: name of the step.
        leg: its leg, from 1.
        attempt: the attempt of this leg, from 1.
    """
    return f"{key}/{step}-{leg:03d}.{attempt}"
