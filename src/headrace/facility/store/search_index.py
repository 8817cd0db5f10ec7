"""Search indexes, in the store: what flows have published, by index and subject."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from headrace._internal.clock import now
from headrace.facility.errors import NotFound
from headrace.facility.store.database import Store


class SearchEntryTable:
    """The entries of all search indexes in a store; an index is there once it has an entry.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def ingest(self, db: sqlite3.Connection, index_id: str, entry: Mapping[str, Any]) -> None:
        """Store an entry in the given transaction; one of the same subject and id goes.

        Args:
            db: the transaction.
            index_id: the index.
            entry: ``subject``, ``visible_to``, ``content`` and, if wanted, ``id``.
        """
        document = {
            "entry_id": entry.get("id"),
            "content": entry["content"],
            "visible_to": entry["visible_to"],
            "ingested": now(),
        }
        db.execute(
            "INSERT OR REPLACE INTO search_entries VALUES (?,?,?,?)",
            (index_id.lower(), entry["subject"], entry.get("id") or "", json.dumps(document)),
        )

    def entries_of_subject(self, index_id: str, subject: str) -> list[dict[str, Any]]:
        """Return the entries of a subject.

        Raises:
            NotFound: the index has none of it.
        """
        rows = self._store.reader().execute(
            "SELECT document FROM search_entries WHERE index_id = ? AND subject = ?"
            " ORDER BY entry_id",
            (index_id.lower(), subject),
        )
        found = [json.loads(row["document"]) for row in rows]
        if not found:
            raise NotFound(f"index {index_id} has no entry of the subject {subject!r}")
        return found
