"""Access rules of collections, in the store: who may read or write which directory.

One person works at a facility, and may do everything: a rule is kept and shown, for flows that set
one, and keeps nobody out.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from headrace.facility.errors import NotFound, StateConflict
from headrace.facility.store.database import Store

_CHANGEABLE: Final = ("permissions", "expiration_date")


class AccessRuleTable:
    """The access rules in a store.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def for_collection(self, collection_id: str) -> list[dict[str, Any]]:
        """Return the ``access`` documents of a collection, in the order of their paths."""
        rows = self._store.reader().execute(
            "SELECT document FROM access_rules WHERE collection_id = ? ORDER BY path, id",
            (collection_id,),
        )
        return [json.loads(row["document"]) for row in rows]

    def create(
        self, db: sqlite3.Connection, rule_id: str, collection_id: str, rule: Mapping[str, Any]
    ) -> None:
        """Store a new rule in the given transaction.

        Args:
            db: the transaction.
            rule_id: the rule's id.
            collection_id: the collection.
            rule: ``path``, ``principal_type``, ``principal``, ``permissions`` and, if wanted,
                ``expiration_date``.

        Raises:
            StateConflict: the principal has a rule for this directory already.
        """
        # A rule is of a directory, whose path ends with a slash.
        path = f"{str(rule['path']).rstrip('/')}/"
        principal = str(rule.get("principal") or "")
        known = db.execute(
            "SELECT id FROM access_rules WHERE collection_id = ? AND path = ?"
            " AND principal_type = ? AND principal = ?",
            (collection_id, path, rule["principal_type"], principal),
        ).fetchone()
        if known is not None:
            raise StateConflict(
                f"{path}: this principal has access rule {known['id']} there already: change that"
            )
        document = {
            "DATA_TYPE": "access",
            "id": rule_id,
            "path": path,
            "principal_type": rule["principal_type"],
            "principal": principal,
            "permissions": rule["permissions"],
            "expiration_date": rule.get("expiration_date"),
            "role_id": None,
            "role_type": None,
        }
        db.execute(
            "INSERT INTO access_rules VALUES (?,?,?,?,?,?)",
            (
                rule_id,
                collection_id,
                path,
                rule["principal_type"],
                principal,
                json.dumps(document),
            ),
        )

    def update(
        self, db: sqlite3.Connection, rule_id: str, collection_id: str, changes: Mapping[str, Any]
    ) -> None:
        """Change permissions or expiration date of a rule in the given transaction.

        Raises:
            NotFound: the collection has no such rule.
        """
        document = self._get(db, rule_id, collection_id)
        document |= {n: changes[n] for n in _CHANGEABLE if changes.get(n) is not None}
        db.execute(
            "UPDATE access_rules SET document = ? WHERE id = ?", (json.dumps(document), rule_id)
        )

    def delete(self, db: sqlite3.Connection, rule_id: str, collection_id: str) -> None:
        """Remove a rule in the given transaction.

        Raises:
            NotFound: the collection has no such rule.
        """
        self._get(db, rule_id, collection_id)
        db.execute("DELETE FROM access_rules WHERE id = ?", (rule_id,))

    @staticmethod
    def _get(db: sqlite3.Connection, rule_id: str, collection_id: str) -> dict[str, Any]:
        row = db.execute(
            "SELECT document FROM access_rules WHERE id = ? AND collection_id = ?",
            (rule_id, collection_id),
        ).fetchone()
        if row is None:
            raise NotFound(f"No access rule of this collection has id value {rule_id}")
        document: dict[str, Any] = json.loads(row["document"])
        return document
