"""Retry of an ended run: a new run that begins at one of its states."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace._internal.timestamps import format_timestamp
from headrace.facility.engine.run_creation import insert_run
from headrace.facility.errors import StateConflict
from headrace.facility.identity import Identity
from headrace.facility.store.flows import StoredFlow
from headrace.facility.store.run_plan import OPEN_RUNS, UNLISTED
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from headrace.flowlang import DefinitionError, parse_flow
from headrace.flowlang.runs import TERMINAL, RetryError, SuppliedResult, last_entry, start_retry

# Two requests for the same within such a time are one that was sent twice.
_AT_ONCE_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Retry:
    """Options of a retry.

    Attributes:
        state: the state to begin at; by default the one that the run ended in.
        given_output: the state's output as a person gives it; the new run then begins after the
            state.
        request_id: name of the request; a repeated one gives the run that it has started.
        flow: a definition to use instead of the run's own.
        request: label, tags, managers and monitors of the new run; those of the old by default.
        deduplicate: whether the same retry, asked for again at once or while its run goes on,
            gives that run: two people, or one person twice, mean one.
    """

    state: str | None = None
    given_output: SuppliedResult | None = None
    request_id: str | None = None
    flow: StoredFlow | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    deduplicate: bool = False

    @property
    def fingerprint(self) -> str:
        """Hash that differs from that of other retries of the same run."""
        given = [self.given_output.value] if self.given_output is not None else []
        flow = self.flow.updated_at if self.flow is not None else None
        text = json.dumps([self.state, given, flow, dict(self.request)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def create_retry_run(
    db: sqlite3.Connection, runs: RunTable, run_id: str, retry: Retry, identity: Identity
) -> Run:
    """Store, in the given transaction, a run that takes up another.

    Args:
        db: the transaction.
        runs: the runs.
        run_id: the run that has ended.
        retry: how it is taken up.
        identity: who asks for it.

    Raises:
        NotFound: no run has this id.
        StateConflict: the run goes on, or was never in the state.
    """
    known = runs.find_by_request_id(db, retry.request_id) if retry.request_id else None
    if known is not None:
        return known
    old = runs.get(run_id, db)
    if retry.deduplicate and (same := _same(db, runs, old, retry)) is not None:
        return same
    if old.status not in TERMINAL:
        raise StateConflict(f"Run {run_id} has status '{old.status}'; cancel it before a retry")
    flow = retry.flow or _stored(runs, old)
    try:
        before = last_entry(runs.event_log.events(db, old.number), retry.state)
        events, position = start_retry(
            parse_flow(flow.definition),
            before,
            old.id,
            time.time(),
            identity.urn,
            retry.given_output,
        )
    except (RetryError, DefinitionError) as error:
        raise StateConflict(f"Run {run_id}: {error}") from error
    request = {
        "label": old.label,
        **{key: old.metadata[key] for key in ("tags", "run_managers", "run_monitors")},
        **retry.request,
    }
    more = {"retry_of": events[0].data["retry"], "retry_fingerprint": retry.fingerprint}
    return insert_run(db, runs, flow, request, events, position, retry.request_id, more)


def _same(db: sqlite3.Connection, runs: RunTable, old: Run, retry: Retry) -> Run | None:
    """Return the run of the same retry that goes on, or was started a moment ago."""
    recent = format_timestamp(time.time() - _AT_ONCE_SECONDS)
    row = db.execute(
        f"SELECT number FROM runs WHERE number IN ({OPEN_RUNS} UNION ALL"  # noqa: S608 - a constant
        " SELECT number FROM runs INDEXED BY runs_by_start WHERE listed = 1 AND start_time >= ?"
        f" UNION ALL SELECT number FROM runs WHERE {UNLISTED})"
        " AND (completion_time IS NULL OR start_time >= ?)"
        " AND json_valid(metadata) AND json_extract(metadata, '$.retry_of.run_id') = ?"
        " AND json_extract(metadata, '$.retry_fingerprint') = ? ORDER BY number LIMIT 1",
        (recent, recent, old.id, retry.fingerprint),
    ).fetchone()
    return runs.get_by_number(db, row["number"]) if row is not None else None


def _stored(runs: RunTable, run: Run) -> StoredFlow:
    definition, schema = runs.definition(run.definition)
    updated = run.metadata["flow_last_updated"]
    return StoredFlow(run.flow_id, run.flow_title, definition, schema, {}, updated, updated)
