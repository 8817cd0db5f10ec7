"""Taking up an ended run: a new run that begins at one of its states."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.facility.errors import StateConflict
from headrace.facility.flows import StoredFlow
from headrace.facility.identity import Identity
from headrace.facility.runs import Run, Runs
from headrace.facility.starts import insert_run
from headrace.flowlang import parse_flow
from headrace.flowlang.runs import TERMINAL, Given, RetryError, entry_of, taken_up


@dataclass(frozen=True)
class Retry:
    """How a run is taken up.

    Attributes:
        state: the state to begin at; by default the one that the run ended in.
        given: the state's output as a person gives it; the new run begins after the state then.
        request_id: name of the request; a repeated one gives the run that it has started.
        flow: a definition to use instead of the run's own.
        request: label, tags, managers and monitors of the new run; those of the old by default.
    """

    state: str | None = None
    given: Given | None = None
    request_id: str | None = None
    flow: StoredFlow | None = None
    request: Mapping[str, Any] = field(default_factory=dict)


def begin_retry(
    db: sqlite3.Connection, runs: Runs, run_id: str, retry: Retry, identity: Identity
) -> Run:
    """Stores, in the given transaction, a run that takes up another.

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
    known = runs.requested(db, retry.request_id) if retry.request_id else None
    if known is not None:
        return known
    old = runs.get(run_id, db)
    if old.status not in TERMINAL:
        raise StateConflict(f"Run {run_id} has status '{old.status}'; cancel it before a retry")
    flow = retry.flow or _stored(runs, old)
    try:
        before = entry_of(runs.journal.events(db, old.number), retry.state)
        events, position = taken_up(
            parse_flow(flow.definition), before, old.id, time.time(), identity.urn, retry.given
        )
    except RetryError as error:
        raise StateConflict(f"Run {run_id}: {error}") from error
    request = {
        "label": old.label,
        **{key: old.metadata[key] for key in ("tags", "run_managers", "run_monitors")},
        **retry.request,
    }
    more = {"retry_of": events[0].data["retry"]}
    return insert_run(db, runs, flow, request, events, position, retry.request_id, more)


def _stored(runs: Runs, run: Run) -> StoredFlow:
    definition, schema = runs.definition(run.definition)
    updated = run.metadata["flow_last_updated"]
    return StoredFlow(run.flow_id, run.flow_title, definition, schema, {}, updated, updated)
