"""Outcomes of members, as they are recorded and returned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, Final

from .errors import MemberError
from .member import RECORD

# Room for the outcomes of a pack in a flow's payload, bytes of JSON.
MAX_RESULT_BYTES: Final = 90_000
_NO_ROOM: Final = "next.json: the run's output has no room for it; let a run take fewer members"
_MAX_FACTS: Final = 20
_MAX_FACT_TEXT: Final = 200
_MAX_CAUSE: Final = 400
_MAX_SHORT_CAUSE: Final = 120
_LAST_LINES: Final = 5
_MAX_LAST_CHARACTERS: Final = 600


@dataclass(frozen=True)
class MemberOutcome:
    """Outcome of a member.

    Attributes:
        state: ``done`` or ``failed``.
        cause: why it failed, in one line.
        category: the cause in the words of
            :class:`~..attempts.failure_causes.FailureCause`; empty where it did not fail.
        last_lines: the last lines that the command wrote to its standard error.
        facts: the last line of JSON that it printed.
        next: what it wrote to ``next.json``; None where it wrote none.
        core_hours: of all attempts; None where that is not known.
        host: where it ran.
        job_id: its batch job; empty where it ran inside another one.
        attempts: how often it was run.
        files: number of files that it returns.
        bytes: their size.
        redone: whether it was run now, and not done already.
    """

    state: str
    cause: str = ""
    category: str = ""
    last_lines: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    next: Mapping[str, Any] | None = None
    core_hours: float | None = None
    host: str = ""
    job_id: str = ""
    attempts: int = 1
    files: int = 0
    bytes: int = 0
    redone: bool = True

    @classmethod
    def of_error(cls, error: MemberError) -> MemberOutcome:
        """Return the outcome of a member that could not be run."""
        return cls("failed", _cut(str(error), _MAX_CAUSE), error.category, attempts=0)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> MemberOutcome | None:
        """Read an outcome; None where the document is none."""
        known = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        return cls(**known) if known.get("state") in ("done", "failed") else None

    @property
    def ok(self) -> bool:
        """True where the member did its work."""
        return self.state == "done"

    def failed_with(self, error: MemberError) -> MemberOutcome:
        """Return the outcome with another end."""
        cause = _cut(str(error), _MAX_CAUSE)
        return replace(self, state="failed", cause=cause, category=error.category)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON, without what is empty."""
        kept = {name: value for name, value in vars(self).items() if value not in ("", {}, None)}
        return {**kept, "facts": dict(self.facts), "core_hours": self.core_hours}


def read_facts(stdout: str) -> dict[str, Any]:
    """Return the last line of JSON that a program printed: numbers, truth values, short texts."""
    for line in reversed(stdout.splitlines()):
        if not line.lstrip().startswith("{"):
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            plain = {
                name: value if not isinstance(value, str) else _cut(value, _MAX_FACT_TEXT)
                for name, value in found.items()
                if isinstance(value, str) or _is_number(value)
            }
            return dict(list(plain.items())[:_MAX_FACTS])
    return {}


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and isfinite(value)
    except OverflowError:  # an integer that no other language reads
        return False


def last_lines(stderr: str) -> str:
    """Return the last lines that a program wrote to its standard error."""
    lines = [line.rstrip() for line in stderr.splitlines() if line.strip()]
    return "\n".join(lines[-_LAST_LINES:])[-_MAX_LAST_CHARACTERS:]


def pack_result(outcomes: Mapping[str, MemberOutcome]) -> dict[str, Any]:
    """Return the outcomes of a pack as a flow's payload has room for them.

    Where they are too large, first the last lines, then facts stand in the member's record only,
    ``member.json`` among its results, which ``facts_file`` names. Where ``next`` itself has no
    room, the member has failed: what it wants would be lost.

    Args:
        outcomes: by the members' keys.
    """
    members = {key: outcome.to_dict() for key, outcome in outcomes.items()}
    for shorten in (_without_last_lines, _without_facts, _with_short_cause, _without_next):
        if len(json.dumps(members).encode()) <= MAX_RESULT_BYTES:
            break
        members = {key: shorten(document) for key, document in members.items()}
    known = [o.core_hours for o in outcomes.values() if o.core_hours is not None]
    hours = round(sum(known), 6) if known else None
    done = sum(document["state"] == "done" for document in members.values())
    return {
        "members": members,
        "done": done,
        "failed": len(outcomes) - done,
        "core_hours": hours,
        # Of those that were done already nothing was used now.
        "job_core_hours": round(sum(o.core_hours or 0.0 for o in outcomes.values() if o.redone), 6),
    }


def _without_next(document: dict[str, Any]) -> dict[str, Any]:
    if "next" not in document:
        return document
    kept = {name: value for name, value in document.items() if name != "next"}
    return {**kept, "state": "failed", "cause": _NO_ROOM, "category": "error of the program"}


def _without_last_lines(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "last_lines"}


def _without_facts(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "facts": {}, "facts_file": RECORD} if document["facts"] else document


def _with_short_cause(document: dict[str, Any]) -> dict[str, Any]:
    if "cause" not in document:
        return document
    return {**document, "cause": _cut(document["cause"], _MAX_SHORT_CAUSE)}


def _cut(text: str, size: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= size else f"{line[: size - 3]}..."
