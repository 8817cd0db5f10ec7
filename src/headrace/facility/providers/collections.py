"""Action providers for collections: collection_info and manage_permission."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any, Final

from headrace.facility.collection_documents import collection_document
from headrace.facility.errors import NotFound, StateConflict
from headrace.facility.identity import Identity
from headrace.facility.providers.addresses import TRANSFER
from headrace.facility.providers.base import ProviderBase
from headrace.facility.providers.bodies import check_body, check_collections
from headrace.facility.settings import SettingsFile
from headrace.facility.store.access_rules import AccessRuleTable
from headrace.facility.store.actions import FAILED, SUCCEEDED, Action, ActionResult

_FIELDS: Final = ("endpoint_id",)
_DONE: Final = {
    "CREATE": ("access_create_result", "Created", "Access rule created successfully."),
    "UPDATE": ("result", "Updated", "Access rule updated successfully."),
    "DELETE": ("result", "Deleted", "Access rule deleted successfully."),
}


class SynchronousProvider(ProviderBase):
    """A provider that has answered when it has accepted."""

    def new_id(self) -> str:
        """Return an id for a new action."""
        return str(uuid.uuid4())

    def begin(self, action: Action) -> None:
        """Do nothing: all is done when the action is accepted."""

    def cancel(self, action: Action) -> None:
        """Do nothing, likewise."""


class CollectionInfoProvider(SynchronousProvider):
    """Returns the document of a collection.

    Args:
        settings: lists the collections.
        identity: whose they are.
    """

    url = f"{TRANSFER}collection_info"

    def __init__(self, settings: SettingsFile, identity: Identity) -> None:
        self._settings = settings
        self._identity = identity

    def accept(self, db: sqlite3.Connection, action: Action) -> ActionResult:
        """Answer with the collection's document.

        Raises:
            ActionRejected: the body is not right, or names no collection of this facility.
        """
        del db
        known = self._settings.current().collections
        check_collections(known, action.body, _FIELDS)
        check_body(self.url, action.body)
        found = next(each for each in known if each.id == action.body["endpoint_id"])
        return ActionResult(SUCCEEDED, collection_document(found, self._identity))


class ManagePermissionProvider(SynchronousProvider):
    """Makes, changes and removes access rules of a collection.

    Args:
        settings: lists the collections.
        rules: where rules are kept.
    """

    url = f"{TRANSFER}manage_permission"

    def __init__(self, settings: SettingsFile, rules: AccessRuleTable) -> None:
        self._settings = settings
        self._rules = rules

    def accept(self, db: sqlite3.Connection, action: Action) -> ActionResult:
        """Do it in the transaction that stores the action: once, whatever happens.

        Raises:
            ActionRejected: the body is not right, or names no collection of this facility.
        """
        body = action.body
        check_collections(self._settings.current().collections, body, _FIELDS)
        check_body(self.url, body)
        operation, collection = body["operation"], body["endpoint_id"]
        # A rule that an action makes has the action's id, which is a new one.
        rule_id = action.id if operation == "CREATE" else body["rule_id"]
        try:
            if operation == "CREATE":
                self._rules.create(db, rule_id, collection, body)
            elif operation == "UPDATE":
                self._rules.update(db, rule_id, collection, body)
            else:
                self._rules.delete(db, rule_id, collection)
        except StateConflict as error:
            return _failed(action, "Exists", str(error))
        except NotFound as error:
            return _failed(action, "AccessRuleNotFound", str(error))
        data_type, code, message = _DONE[operation]
        at = "" if operation == "CREATE" else f"/{rule_id}"
        return ActionResult(
            SUCCEEDED,
            {
                "DATA_TYPE": data_type,
                "code": code,
                "message": message,
                "access_id": rule_id,
                "request_id": action.id,
                "resource": f"/endpoint/{collection}/access{at}",
            },
        )


def _failed(action: Action, code: str, message: str) -> ActionResult:
    details: dict[str, Any] = {"code": code, "description": message, "request_id": action.id}
    return ActionResult(FAILED, details)
