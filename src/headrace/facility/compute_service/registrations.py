"""Endpoints that have registered at the facility, and the children that run their tasks."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace._internal.clock import now
from headrace.facility.errors import NotFound
from headrace.facility.store.database import Store


@dataclass(frozen=True)
class Registration:
    """A real endpoint.

    Attributes:
        id: its id.
        name: its name.
        document: what it said of itself when it registered last.
        registered_at: when that was.
        locked: whether it was told to stop and may only come back by registering.
    """

    id: str
    name: str
    document: dict[str, Any]
    registered_at: str
    locked: bool

    def allows(self, function_id: str) -> bool:
        """Return whether it lets a function run."""
        allowed = self.document.get("allowed_functions")
        return not isinstance(allowed, list) or function_id in map(str, allowed)


@dataclass(frozen=True)
class Child:
    """The process of an endpoint that runs the tasks of one configuration.

    Attributes:
        id: its id at the broker.
        endpoint_id: whose child it is.
        user_config: values for the endpoint's template.
        user_runtime: what the first client told of its own Python.
        generation: how often it was given a new name.
        started: when the process that was heard last had started, in seconds since 1970.
    """

    id: str
    endpoint_id: str
    user_config: dict[str, Any]
    user_runtime: dict[str, Any]
    generation: int
    started: float

    @property
    def name(self) -> str:
        """The name of its directory at the endpoint."""
        more = f".{self.generation}" if self.generation else ""
        return f"uep.{self.endpoint_id}.{self.id[:8]}{more}"


class Registrations:
    """The registered endpoints in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, endpoint_id: str, name: str, document: Mapping[str, Any]) -> None:
        """Store an endpoint, or what is new of it."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO compute_endpoints VALUES (?,?,?,?,0) ON CONFLICT (id) DO UPDATE SET"
                " name = excluded.name, document = excluded.document,"
                " registered_at = excluded.registered_at, locked = 0",
                (endpoint_id, name, json.dumps(document), now()),
            )

    def lock(self, endpoint_id: str) -> None:
        """Note that an endpoint shall stop."""
        self.get(endpoint_id)
        with self._store.transaction() as db:
            db.execute("UPDATE compute_endpoints SET locked = 1 WHERE id = ?", (endpoint_id,))

    def children(self, endpoint_id: str) -> list[Child]:
        """Return the children that an endpoint has had."""
        rows = self._store.reader().execute(
            "SELECT * FROM compute_children WHERE endpoint_id = ?", (endpoint_id,)
        )
        return [_child(row) for row in rows]

    def delete(self, endpoint_id: str) -> None:
        """Forget an endpoint and its children."""
        self.get(endpoint_id)
        with self._store.transaction() as db:
            db.execute("DELETE FROM compute_children WHERE endpoint_id = ?", (endpoint_id,))
            db.execute("DELETE FROM compute_endpoints WHERE id = ?", (endpoint_id,))

    def find(self, endpoint_id: str) -> Registration | None:
        """Return the endpoint with this id."""
        rows = self._store.reader().execute(
            "SELECT * FROM compute_endpoints WHERE id = ?", (endpoint_id,)
        )
        row = rows.fetchone()
        return _registration(row) if row else None

    def get(self, endpoint_id: str) -> Registration:
        """Return the endpoint with this id.

        Raises:
            NotFound: there is none.
        """
        found = self.find(endpoint_id)
        if found is None:
            raise NotFound(f"No endpoint is registered with id value {endpoint_id}")
        return found

    def all(self) -> list[Registration]:
        """Return every endpoint, in the order of their names."""
        rows = self._store.reader().execute("SELECT * FROM compute_endpoints ORDER BY name, id")
        return [_registration(row) for row in rows]

    def child_for(
        self,
        db: sqlite3.Connection,
        endpoint_id: str,
        user_config: Mapping[str, Any],
        user_runtime: Mapping[str, Any],
    ) -> str:
        """Return the id of the child for a configuration, and store it where it is new."""
        key = json.dumps(user_config, sort_keys=True)
        child_id = str(uuid.uuid5(uuid.UUID(endpoint_id), key))
        db.execute(
            "INSERT OR IGNORE INTO compute_children VALUES (?,?,?,?,0,0)",
            (child_id, endpoint_id, key, json.dumps(user_runtime)),
        )
        return child_id

    def child(self, child_id: str) -> Child | None:
        """Return the child with this id."""
        rows = self._store.reader().execute(
            "SELECT * FROM compute_children WHERE id = ?", (child_id,)
        )
        row = rows.fetchone()
        return _child(row) if row else None

    def rename(self, child_id: str) -> None:
        """Give a child a new name from its next start on."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE compute_children SET generation = generation + 1 WHERE id = ?", (child_id,)
            )


def _registration(row: sqlite3.Row) -> Registration:
    return Registration(
        row["id"],
        row["name"],
        json.loads(row["document"]),
        row["registered_at"],
        bool(row["locked"]),
    )


def _child(row: sqlite3.Row) -> Child:
    return Child(
        row["id"],
        row["endpoint_id"],
        json.loads(row["user_config"]),
        json.loads(row["user_runtime"]),
        row["generation"],
        row["started"],
    )
