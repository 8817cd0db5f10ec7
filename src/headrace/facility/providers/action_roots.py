"""Directories that the collections of an action had when the action was accepted."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from headrace._internal.file_identity import Identity, identify
from headrace.facility.settings import CollectionSettings
from headrace.facility.store.database import Store
from headrace.facility.transfer import Collection


class ActionRootTable:
    """The directories of the actions in a store.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def store(self, db: sqlite3.Connection, action_id: str, collection: CollectionSettings) -> None:
        """Store which directory a collection shows now, for one action.

        Args:
            db: the transaction that stores the action.
            action_id: the action.
            collection: the collection; a root that is not there is reported when the work starts.
        """
        root = os.path.realpath(collection.root)
        try:
            identity = identify(root)
        except OSError:
            identity = Identity(0, 0)
        db.execute(
            "INSERT OR REPLACE INTO action_roots VALUES (?, ?, ?, ?, ?)",
            # As text: file systems use all 64 bits, SQLite's integers are signed.
            (action_id, collection.id, root, str(identity.inode), str(identity.born)),
        )

    def collections(
        self, action_id: str, known: Iterable[CollectionSettings]
    ) -> dict[str, Collection]:
        """Return the collections as an action sees them, by id.

        Those that it began with show the directories that they showed then, also where
        ``headrace.toml`` says something else now; the others are as they are.

        Args:
            action_id: the action.
            known: the collections as they are configured now.
        """
        found = {c.id: Collection(c.id, c.name, Path(c.root)) for c in known}
        rows = self._store.reader().execute(
            "SELECT collection_id, root, inode, born FROM action_roots WHERE action_id = ?",
            (action_id,),
        )
        for row in rows:
            id_, root = row["collection_id"], Path(row["root"])
            now = found.get(id_)
            found[id_] = Collection(
                id_,
                now.name if now else id_,
                root,
                Identity(int(row["inode"]), int(row["born"])),
                Path(os.path.realpath(now.root)) if now else None,
            )
        return found
