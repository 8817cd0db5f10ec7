"""Registered endpoints, and the user endpoint processes that run their tasks."""

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
    """A Globus Compute endpoint that runs by itself.

    Attributes:
        id: its id.
        name: its name.
        document: body of its last registration.
        registered_at: time of that registration.
        locked: whether it was stopped and may only come back by registering.
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
class UserEndpoint:
    """User endpoint process: runs an endpoint's tasks of one configuration.

    Attributes:
        id: its id at the broker.
        endpoint_id: the registered endpoint that starts it.
        user_config: values for the endpoint's template.
        user_runtime: versions of the first client's Python and SDK.
        generation: how often it was given a new name.
        started_at: start of the process that reported last, in seconds since 1970.
    """

    id: str
    endpoint_id: str
    user_config: dict[str, Any]
    user_runtime: dict[str, Any]
    generation: int
    started_at: float

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
        """Store an endpoint, or update it."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO compute_endpoints VALUES (?,?,?,?,0) ON CONFLICT (id) DO UPDATE SET"
                " name = excluded.name, document = excluded.document,"
                " registered_at = excluded.registered_at, locked = 0",
                (endpoint_id, name, json.dumps(document), now()),
            )

    def lock(self, endpoint_id: str) -> None:
        """Mark an endpoint as locked: it must stop."""
        self.get(endpoint_id)
        with self._store.transaction() as db:
            db.execute("UPDATE compute_endpoints SET locked = 1 WHERE id = ?", (endpoint_id,))

    def user_endpoints(self, endpoint_id: str) -> list[UserEndpoint]:
        """Return the user endpoints that an endpoint has had."""
        rows = self._store.reader().execute(
            "SELECT * FROM compute_children WHERE endpoint_id = ?", (endpoint_id,)
        )
        return [_user_endpoint(row) for row in rows]

    def delete(self, endpoint_id: str) -> None:
        """Delete an endpoint and its user endpoints."""
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

    def ensure_user_endpoint(
        self,
        db: sqlite3.Connection,
        endpoint_id: str,
        user_config: Mapping[str, Any],
        user_runtime: Mapping[str, Any],
    ) -> str:
        """Return the id of the user endpoint for a configuration; store it where it is new."""
        key = json.dumps(user_config, sort_keys=True)
        user_endpoint_id = str(uuid.uuid5(uuid.UUID(endpoint_id), key))
        db.execute(
            "INSERT OR IGNORE INTO compute_children VALUES (?,?,?,?,0,0)",
            (user_endpoint_id, endpoint_id, key, json.dumps(user_runtime)),
        )
        return user_endpoint_id

    def find_user_endpoint(self, user_endpoint_id: str) -> UserEndpoint | None:
        """Return the user endpoint with this id."""
        rows = self._store.reader().execute(
            "SELECT * FROM compute_children WHERE id = ?", (user_endpoint_id,)
        )
        row = rows.fetchone()
        return _user_endpoint(row) if row else None

    def rename_user_endpoint(self, user_endpoint_id: str) -> None:
        """Give a user endpoint a new name from its next start on."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE compute_children SET generation = generation + 1 WHERE id = ?",
                (user_endpoint_id,),
            )


def _registration(row: sqlite3.Row) -> Registration:
    return Registration(
        row["id"],
        row["name"],
        json.loads(row["document"]),
        row["registered_at"],
        bool(row["locked"]),
    )


def _user_endpoint(row: sqlite3.Row) -> UserEndpoint:
    return UserEndpoint(
        row["id"],
        row["endpoint_id"],
        json.loads(row["user_config"]),
        json.loads(row["user_runtime"]),
        row["generation"],
        row["started"],
    )
