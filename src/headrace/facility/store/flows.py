"""Flows in the store."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Final

from headrace._internal.clock import now
from headrace.facility.errors import FlowUnreadable, NotFound
from headrace.facility.store.database import Store
from headrace.facility.store.run_record import definition_hash

logger = logging.getLogger(__name__)

# The part of the facility that damaged flows are reported under, so many by name.
_PART: Final = "flows"
_MAX_LISTED: Final = 5
# Flows that are kept in memory.
_KEPT_FLOWS: Final = 256
# What SQLite does not take for JSON objects: few, and each is looked at again.
_SUSPECTS: Final = """
SELECT * FROM flows WHERE NOT (
    CASE WHEN json_valid(definition) THEN json_type(definition) = 'object' ELSE 0 END
    AND json_valid(input_schema)
    AND CASE WHEN json_valid(metadata) THEN json_type(metadata) = 'object' ELSE 0 END
)
"""

# Members of a flow document that a caller may set, with what they are when nobody does.
METADATA: Mapping[str, Any] = {
    "subtitle": "",
    "description": "",
    "keywords": [],
    "flow_viewers": [],
    "flow_starters": [],
    "flow_administrators": [],
    "run_managers": [],
    "run_monitors": [],
    "subscription_id": None,
    "authentication_policy_id": None,
}


@dataclass(frozen=True)
class StoredFlow:
    """A flow as the facility keeps it.

    Attributes:
        id: the flow's id.
        title: its title.
        definition: its definition.
        input_schema: the JSON schema of its input.
        metadata: the members named in :data:`METADATA`.
        created_at: when it was created.
        updated_at: when it was last changed.
    """

    id: str
    title: str
    definition: dict[str, Any]
    input_schema: dict[str, Any]
    metadata: dict[str, Any]
    created_at: str
    updated_at: str

    @cached_property
    def definition_hash(self) -> str:
        """Hash under which runs keep the definition and the input schema."""
        return definition_hash(self.definition, self.input_schema)


class FlowTable:
    """The flows in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        # Flows as they were read last; the number of changes tells a read that was overtaken.
        self._known: dict[str, StoredFlow] = {}
        self._changes = 0

    def create(self, document: Mapping[str, Any]) -> StoredFlow:
        """Store a new flow from the body of a create request."""
        moment = now()
        flow = StoredFlow(
            id=str(uuid.uuid4()),
            title=document["title"],
            definition=document["definition"],
            input_schema=document.get("input_schema") or {},
            metadata={key: document.get(key, default) for key, default in METADATA.items()},
            created_at=moment,
            updated_at=moment,
        )
        with self._store.transaction() as db:
            db.execute("INSERT INTO flows VALUES (?,?,?,?,?,?,?)", _row_from_flow(flow))
            self._store.changes.add_flow(flow.id)
        return flow

    def update(self, flow_id: str, changes: Mapping[str, Any]) -> StoredFlow:
        """Change the members that are given; runs that are under way are not affected.

        Raises:
            NotFound: no flow has this id.
        """
        with self._store.transaction() as db:
            flow = self._get(db, flow_id)
            metadata = {key: changes.get(key, value) for key, value in flow.metadata.items()}
            flow = replace(
                flow,
                title=changes.get("title", flow.title),
                definition=changes.get("definition", flow.definition),
                input_schema=changes.get("input_schema", flow.input_schema),
                metadata=metadata,
                updated_at=now(),
            )
            db.execute("REPLACE INTO flows VALUES (?,?,?,?,?,?,?)", _row_from_flow(flow))
            self._store.changes.add_flow(flow_id)
            self._store.after_commit(partial(self._forget, flow_id))
        return flow

    def delete(self, flow_id: str) -> StoredFlow:
        """Remove a flow; its runs stay.

        Raises:
            NotFound: no flow has this id.
        """
        with self._store.transaction() as db:
            row = self._record(db, flow_id)
            try:
                flow = _flow_from_row(row)
            except FlowUnreadable:
                flow = StoredFlow(flow_id, str(row["title"]), {}, {}, {**METADATA}, "", "")
            db.execute("DELETE FROM flows WHERE id = ?", (flow_id,))
            self._store.changes.add_flow(flow_id)
            self._store.after_commit(partial(self._forget, flow_id))
        return flow

    def get(self, flow_id: str) -> StoredFlow:
        """Return a flow.

        Raises:
            NotFound: no flow has this id.
        """
        with self._lock:
            known, changes = self._known.get(flow_id), self._changes
        if known is not None:
            return known
        flow = self._get(self._store.reader(), flow_id)
        with self._lock:
            if changes == self._changes:
                if len(self._known) >= _KEPT_FLOWS:
                    self._known.clear()
                self._known[flow_id] = flow
        return flow

    def _forget(self, flow_id: str) -> None:
        with self._lock:
            self._known.pop(flow_id, None)
            self._changes += 1

    def list_readable(self) -> list[StoredFlow]:
        """Return all flows that can be read, the last changed first."""
        rows = self._store.reader().execute("SELECT * FROM flows ORDER BY updated_at DESC, rowid")
        flows = []
        for row in rows:
            try:
                flows.append(_flow_from_row(row))
            except FlowUnreadable as error:
                logger.warning("%s", error)
        return flows

    def titles(self, flow_ids: Iterable[str]) -> dict[str, str]:
        """Return the titles of flows by their ids; one that was deleted is left out."""
        wanted = set(flow_ids)
        rows = self._store.reader().execute("SELECT id, title FROM flows")
        return {row["id"]: row["title"] for row in rows if row["id"] in wanted}

    def check_readable(self) -> None:
        """Report the flows that cannot be read; they are in no list."""
        suspects = self._store.reader().execute(_SUSPECTS).fetchall()
        problems = [str(error) for error in map(_fault, suspects) if error is not None]
        if not problems:
            self._store.health.clear(_PART)
            return
        more = f" (and {len(problems) - _MAX_LISTED} more)" if len(problems) > _MAX_LISTED else ""
        self._store.health.report(_PART, "; ".join(problems[:_MAX_LISTED]) + more)

    def _get(self, db: sqlite3.Connection, flow_id: str) -> StoredFlow:
        return _flow_from_row(self._record(db, flow_id))

    @staticmethod
    def _record(db: sqlite3.Connection, flow_id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = db.execute(
            "SELECT * FROM flows WHERE id = ?", (flow_id,)
        ).fetchone()
        if row is None:
            raise NotFound(f"No flow exists with id value {flow_id}")
        return row


def _row_from_flow(flow: StoredFlow) -> tuple[str, ...]:
    return (
        flow.id,
        flow.title,
        json.dumps(flow.definition),
        json.dumps(flow.input_schema),
        json.dumps(flow.metadata),
        flow.created_at,
        flow.updated_at,
    )


def _fault(row: sqlite3.Row) -> FlowUnreadable | None:
    try:
        _flow_from_row(row)
    except FlowUnreadable as error:
        return error
    return None


def flow_problems(db: sqlite3.Connection) -> list[str]:
    """Return what is wrong with the flows of a store, one line each.

    Args:
        db: the store, whose rows are named.
    """
    return [str(error) for error in map(_fault, db.execute("SELECT * FROM flows")) if error]


def _flow_from_row(row: sqlite3.Row) -> StoredFlow:
    try:
        definition, input_schema, metadata = (
            json.loads(row[name]) for name in ("definition", "input_schema", "metadata")
        )
        if not isinstance(definition, dict) or not isinstance(metadata, dict):
            raise TypeError("it is no object")
    except (ValueError, TypeError, RecursionError) as error:
        raise FlowUnreadable(
            f"flow {row['id']} ({str(row['title'])!r}): its record in the store cannot be read "
            f"({error}): delete the flow and deploy it again"
        ) from error
    return StoredFlow(
        id=row["id"],
        title=str(row["title"]),
        definition=definition,
        input_schema=input_schema,
        metadata={**METADATA, **metadata},
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
