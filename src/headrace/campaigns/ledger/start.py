"""Starts of runs, and the attempts of members that they are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from headrace.campaigns.ledger.member import MemberState

StartKind = Literal["member", "graft"]
StartState = Literal["intent", "open", "ended", "refused"]
AttemptState = Literal["open", "done", "failed", "superseded"]


@dataclass(frozen=True, slots=True)
class NewStart:
    """A run that is to be started: of one member, of a pack, or of a graft.

    Attributes:
        flow: name of the flow.
        members: numbers of the members; empty for a graft.
        lane: where; "" for the implicit lane.
        step: name of the members' step; "" for a graft.
        graft_start: number of the due graft (`DueGraft.id`).
        body_sha: SHA-256 of the request's body.
    """

    flow: str
    members: tuple[int, ...] = ()
    lane: str = ""
    step: str = ""
    graft_start: int | None = None
    body_sha: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a run, as the ledger has it. Times are UTC in ISO format, "" for none.

    Attributes:
        id: its number in this ledger.
        campaign: number of its campaign.
        kind: "member" of one or more members, "graft" of a graft.
        state: "intent" until the run is known to be there.
        lane: where.
        flow: name of the flow.
        step: name of the members' step.
        size: how many members it has.
        tag: marks its run, and no other.
        run_id: the run; "" until it is known.
        status: how the run ended; "" until it has.
        cause: why it failed or was refused.
        body_sha: SHA-256 of the request's body.
        created_at: when the intent was written.
        started_at: when the run was known.
        ended_at: when its end was written.
        core_hours: of the run.
    """

    id: int
    campaign: int
    kind: StartKind
    state: StartState
    lane: str
    flow: str
    step: str
    size: int
    tag: str
    run_id: str
    status: str
    cause: str
    body_sha: str
    created_at: str
    started_at: str
    ended_at: str
    core_hours: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a member at a leg. Times are UTC in ISO format, "" for none.

    Attributes:
        id: its number in this ledger.
        campaign: number of its campaign.
        member: number of the member.
        start: number of the start that it is part of.
        state: "superseded" where another attempt took its place.
        step: name of the step.
        leg: the leg of that step, from 1.
        attempt: the attempt of that leg, from 1.
        lane: where.
        counted: whether its failure counts.
        accepted: whether its outputs are those of the leg.
        created_at: when its start was written.
        ended_at: when its end was written.
        core_hours: what it used.
        host: where it ran, as it told.
        directory: where it writes, unique in the campaign.
        cause: why it failed.
        cause_category: kind of that cause.
        facts: what it found.
    """

    id: int
    campaign: int
    member: int
    start: int
    state: AttemptState
    step: str
    leg: int
    attempt: int
    lane: str
    counted: bool
    accepted: bool
    created_at: str
    ended_at: str
    core_hours: float
    host: str
    directory: str
    cause: str
    cause_category: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """The end of a member's attempt, and what becomes of the member.

    Attributes:
        member: number of the member.
        done: whether its outputs are those of the leg.
        then: state of the member afterwards: "ready" for the next leg, step or attempt, "done",
            "failed", "held" or "asking".
        step: step of the member afterwards; None for the same.
        leg: leg of the member afterwards; None for the same. A new leg or step has new attempts.
        cause: why it failed.
        cause_category: kind of that cause.
        counted: whether the failure is the member's own.
        facts: what it found; added to the member's facts if it is done.
        core_hours: what it used.
        host: where it ran.
        not_before: when the next attempt may begin, UTC in ISO format; "" for at once.
        avoided_lane: where the next attempt shall not be; "" for none.
        grow: factors of resources from now on; None for those that it has.
        has_run: False where there was no run, and nothing is counted of the attempt.
    """

    member: int
    done: bool
    then: MemberState
    step: str | None = None
    leg: int | None = None
    cause: str = ""
    cause_category: str = ""
    counted: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    core_hours: float = 0.0
    host: str = ""
    not_before: str = ""
    avoided_lane: str = ""
    grow: Mapping[str, float] | None = None
    has_run: bool = True


START_COLUMNS: Final = ", ".join(f"starts.{name}" for name in Start.__dataclass_fields__)
"""What a query must select for `start_from_row`."""
_ATTEMPT_NAMES: Final = tuple(Attempt.__dataclass_fields__)
ATTEMPT_COLUMNS: Final = ", ".join(f"attempts.{name}" for name in _ATTEMPT_NAMES)
"""What a query must select for `attempt_from_row`."""


def start_from_row(row: sqlite3.Row) -> Start:
    """Make a start from a row with `START_COLUMNS`, in their order."""
    return Start(*row)


def attempt_from_row(row: sqlite3.Row) -> Attempt:
    """Make an attempt from a row with `ATTEMPT_COLUMNS`, in their order."""
    values = dict(zip(_ATTEMPT_NAMES, row, strict=True))
    values |= {name: bool(values[name]) for name in ("counted", "accepted")}
    return Attempt(**{**values, "facts": json.loads(values["facts"])})
