"""Arrivals as ``headrace trigger`` shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.cli.parsing.session import current
from headrace.triggers.arrival import entry_name

if TYPE_CHECKING:
    from headrace.runs.run_outcomes import RunOutcome
    from headrace.triggers import Record


def arrival_documents(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the arrivals of triggers, as JSON shows them.

    Args:
        names: of the triggers; all where empty.
    """
    from headrace.triggers import read_ledger
    from headrace.triggers.ledger_access import read_outcomes
    from headrace.triggers.state_files import ledger_file

    session = current()
    path = ledger_file(session.project(), session.target)
    records, outcomes = read_ledger(path), read_outcomes(path)
    return [
        {
            "id": record.id,
            "trigger": record.trigger,
            "name": entry_name(record.path),
            "path": record.path,
            "collection": record.collection,
            "state": record.shown_state,
            "present": record.present,
            "attempts": record.attempts,
            "tag": record.tag,
            "run_id": record.run_id,
            "reason": _reason(record),
            "afterwards": record.afterwards or None,
            "afterwards_reason": record.afterwards_reason,
            "moved_to": record.moved_to or None,
            "run_status": _status(outcomes.get(record.run_id or "")),
            "run_cause": _cause(outcomes.get(record.run_id or "")),
            "seen_at": record.seen_at.isoformat(),
            "after": record.details if record.chain_depth else None,
            "chain_depth": record.chain_depth,
        }
        for record in records
        if not names or record.trigger in names
    ]


def _reason(record: Record) -> str:
    """Return why an arrival has no run, or has no other one."""
    if record.shown_state == "waiting":
        return "; ".join(filter(None, (record.waits_for, record.reason)))
    return record.reason


def _status(outcome: RunOutcome | None) -> str | None:
    return outcome.status if outcome else None


def _cause(outcome: RunOutcome | None) -> str:
    return outcome.cause if outcome else ""
