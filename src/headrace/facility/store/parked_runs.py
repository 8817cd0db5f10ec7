"""Runs that cannot be advanced: set aside with the reason, while all others go on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headrace._internal.clock import now
from headrace.facility.errors import FacilityError
from headrace.facility.supervision import describe
from headrace.flowlang import DefinitionError

PARKED: Final = "RunParked"


def reason_of(error: BaseException) -> str:
    """Say in one line why a run cannot be advanced."""
    if isinstance(error, DefinitionError):
        return f"its stored definition is not accepted by this headrace: {_line(error)}"
    if isinstance(error, FacilityError):
        return _line(error)
    if isinstance(error, MemoryError):
        return "it needs more memory than there is; its payload may be too large"
    if isinstance(error, sqlite3.Error):
        return f"its records cannot be read: {_line(error)}"
    return f"an internal error of the facility: {describe(error)} (its log has more)"


def parked_details(reason: str, state_name: str | None = None) -> dict[str, Any]:
    """Return the ``details`` of a parked run's document."""
    return {
        "time": now(),
        "code": PARKED,
        "description": (
            f"The run cannot be advanced: {reason}. `headrace run resume` tries again, and so does "
            "the next start of the facility; `headrace run cancel` ends it"
        ),
        "details": {"reason": reason, "state_name": state_name},
    }


def canceled_details(reason: str) -> dict[str, Any]:
    """Return the ``details`` of a run that was cancelled while it was parked."""
    return {
        "time": now(),
        "code": "FlowCanceled",
        "description": "The Flow Instance was canceled by the user",
        "details": {"parked": reason},
    }


class ParkedRuns:
    """Table of the parked runs of a store, with the details of their documents."""

    @staticmethod
    def insert(db: sqlite3.Connection, number: int, details: Mapping[str, Any]) -> None:
        """Set a run aside, in the given transaction."""
        db.execute("REPLACE INTO parked_runs VALUES (?,?)", (number, json.dumps(details)))

    @staticmethod
    def delete(db: sqlite3.Connection, number: int) -> None:
        """Take a run up again, in the given transaction."""
        db.execute("DELETE FROM parked_runs WHERE run = ?", (number,))

    @staticmethod
    def details(db: sqlite3.Connection, number: int) -> dict[str, Any] | None:
        """Return what a run's document says of it; None where it is not parked."""
        row = db.execute("SELECT details FROM parked_runs WHERE run = ?", (number,)).fetchone()
        if row is None:
            return None
        details: dict[str, Any] = json.loads(row["details"])
        return details

    @staticmethod
    def among(db: sqlite3.Connection, numbers: Sequence[int]) -> set[int]:
        """Return those of some runs that are parked."""
        query = "SELECT run FROM parked_runs WHERE run IN (SELECT value FROM json_each(?))"
        return {row["run"] for row in db.execute(query, (json.dumps(numbers),))}

    @staticmethod
    def numbers(db: sqlite3.Connection) -> set[int]:
        """Return the open runs that are parked."""
        rows = db.execute(
            "SELECT p.run FROM parked_runs p JOIN runs r ON r.number = p.run"
            " WHERE r.completion_time IS NULL"
        )
        return {row["run"] for row in rows}


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
