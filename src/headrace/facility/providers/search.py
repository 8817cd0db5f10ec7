"""The Search ingest action provider."""

from __future__ import annotations

import sqlite3
import uuid

from headrace._internal.clock import now
from headrace.facility.providers.addresses import SEARCH_INGEST
from headrace.facility.providers.base import ProviderBase
from headrace.facility.providers.bodies import check_body
from headrace.facility.store.actions import SUCCEEDED, Action, ActionResult
from headrace.facility.store.search_index import SearchEntryTable


class SearchIngestProvider(ProviderBase):
    """Publishes an entry in a search index.

    Args:
        index: where entries are kept.
    """

    url = SEARCH_INGEST

    def __init__(self, index: SearchEntryTable) -> None:
        self._index = index

    def new_id(self) -> str:
        """Return an id for a new action: the id of the ingest task."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> ActionResult:
        """Store the entry with the action, and answer with the finished task.

        Raises:
            ActionRejected: the body is no entry.
        """
        check_body(SEARCH_INGEST, action.body)
        index_id = action.body["search_index"]
        self._index.ingest(db, index_id, action.body)
        moment = now()
        details = {
            "task_id": action.id,
            "task_type": "INGEST",
            "index_id": index_id,
            "state": "SUCCESS",
            "state_description": "Task succeeded",
            "message": None,
            "creation_date": moment,
            "completion_date": moment,
        }
        return ActionResult(SUCCEEDED, details)

    def begin(self, action: Action) -> None:
        """Do nothing: all is done when the action is accepted."""

    def cancel(self, action: Action) -> None:
        """Do nothing, likewise."""


__all__ = ["SEARCH_INGEST", "SearchIngestProvider"]
