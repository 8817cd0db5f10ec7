"""The Transfer family of action providers, on directories of this machine.

Which directory each collection of an action shows is stored with the action: work that goes on
after a restart, or while ``headrace.toml`` changes, stays where it began, or fails.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from headrace.facility.providers.action_roots import ActionRootTable
from headrace.facility.providers.addresses import TRANSFER
from headrace.facility.providers.base import FinishAction, ProviderBase
from headrace.facility.providers.bodies import check_body, check_collections
from headrace.facility.settings import SettingsFile
from headrace.facility.store.actions import FAILED, SUCCEEDED, Action
from headrace.facility.store.database import Store
from headrace.facility.supervision import WorkerPool
from headrace.facility.transfer import Collection, TransferError, delete, ls, mkdir, stat, transfer

logger = logging.getLogger(__name__)

# As many tasks as the Transfer service works on for one user at a time.
CONCURRENT_TASKS = 3

Collections = Mapping[str, Collection]
Progress = Callable[[dict[str, Any]], None]
Operation = Callable[[Action, Collections, Progress, Callable[[], bool]], dict[str, Any]]

# Which members of a body name collections, per operation.
_COLLECTION_FIELDS = {
    "transfer": ("source_endpoint", "destination_endpoint"),
    "delete": ("endpoint",),
    "ls": ("endpoint_id",),
    "mkdir": ("endpoint_id",),
    "stat": ("endpoint_id",),
}

# What says of a path that nothing is there: no such name, or a file in the place of a directory on
# the way. A collection whose root is away says nothing of its paths.
_ABSENT = frozenset({"ClientError.NotFound", "ExternalError.DirListingFailed.NotDirectory"})


class TransferProvider(ProviderBase):
    """One operation of the Transfer family.

    Args:
        name: ``transfer``, ``delete``, ``ls``, ``mkdir`` or ``stat``.
        operation: does the work.
        settings: lists the collections.
        roots: keeps which directories an action began with.
        finish: called with an action's id, status and details at its end.
        pool: runs the work.
        closing: set when the facility stops: work ends unfinished, and is started again next time.
    """

    def __init__(
        self,
        name: str,
        operation: Operation,
        settings: SettingsFile,
        roots: ActionRootTable,
        finish: FinishAction,
        pool: WorkerPool,
        closing: threading.Event,
    ) -> None:
        self._name = name
        self._roots = roots
        self._operation = operation
        self._settings = settings
        self._finish = finish
        self._pool = pool
        self._closing = closing
        self._progress: dict[str, dict[str, Any]] = {}
        self._cancelled: dict[str, threading.Event] = {}

    @property
    def url(self) -> str:
        """The provider's URL at the hosted services."""
        return TRANSFER + self._name

    def new_id(self) -> str:
        """Return an id for a new action: the id of the Transfer task."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> None:
        """Check the body, and that it names collections of this facility.

        Raises:
            ActionRejected: it does not.
        """
        known = {c.id: c for c in self._settings.current().collections}
        check_collections(known.values(), action.body, _COLLECTION_FIELDS[self._name])
        check_body(self.url, action.body)
        for field in _COLLECTION_FIELDS[self._name]:
            self._roots.store(db, action.id, known[action.body[field]])

    def begin(self, action: Action) -> None:
        """Do the work on a thread of the pool; what an earlier attempt copied is kept."""
        self._cancelled.setdefault(action.id, threading.Event())
        self._pool.submit(self._work, action)

    def cancel(self, action: Action) -> None:
        """Stop between two pieces of the work."""
        # It may come before the work is begun.
        self._cancelled.setdefault(action.id, threading.Event()).set()

    def progress(self, action_id: str) -> dict[str, Any] | None:
        """Return the task document of a task that is under way."""
        return self._progress.get(action_id)

    def _work(self, action: Action) -> None:
        cancelled = self._cancelled[action.id]

        def should_stop() -> bool:
            return cancelled.is_set() or self._closing.is_set()

        def show(document: dict[str, Any]) -> None:
            self._progress[action.id] = document

        try:
            collections = self._roots.collections(action.id, self._settings.current().collections)
            details = self._operation(action, collections, show, should_stop)
            self._finish(action.id, SUCCEEDED, details)
        except TransferError as error:
            if self._closing.is_set():
                return
            details = {"code": error.code, "description": str(error), "task_id": action.id}
            self._finish(action.id, FAILED, details)
        except Exception as error:
            logger.exception("%s %s", self._name, action.id)
            description = f"{type(error).__name__}: {error} (see the facility's log)"
            self._finish(action.id, FAILED, {"code": "InternalError", "description": description})
        finally:
            self._progress.pop(action.id, None)
            self._cancelled.pop(action.id, None)


def transfer_providers(
    store: Store,
    settings: SettingsFile,
    finish: FinishAction,
    count_attempt: Callable[[str], int],
) -> tuple[list[TransferProvider], Callable[[], None]]:
    """Make the providers of the family.

    Args:
        store: where each action's directories are kept.
        settings: lists the collections.
        finish: called with an action's id, status and details at its end.
        count_attempt: counts one more attempt of an action, and returns how many there were.

    Returns:
        The providers, and what ends their threads.
    """
    tasks = WorkerPool(CONCURRENT_TASKS, "transfer", store.health)
    closing = threading.Event()
    roots = ActionRootTable(store)
    lookups = WorkerPool(CONCURRENT_TASKS, "lookup", store.health)

    def copy(
        action: Action, collections: Collections, show: Progress, stop: Callable[[], bool]
    ) -> dict[str, Any]:
        count_attempt(action.id)
        return transfer(action.body, collections, action.id, show, stop, will_resume=closing.is_set)

    def remove(
        action: Action, collections: Collections, show: Progress, stop: Callable[[], bool]
    ) -> dict[str, Any]:
        resumed = count_attempt(action.id) > 1
        return delete(action.body, collections, action.id, show, stop, resumed=resumed)

    def quick(work: Callable[..., dict[str, Any]]) -> Operation:
        def run(
            action: Action, collections: Collections, show: Progress, stop: Callable[[], bool]
        ) -> dict[str, Any]:
            del show, stop
            count_attempt(action.id)
            return work(action.body, collections)

        return run

    def look(
        action: Action, collections: Collections, show: Progress, stop: Callable[[], bool]
    ) -> dict[str, Any]:
        del show, stop
        count_attempt(action.id)
        try:
            return stat(action.body, collections)
        except TransferError as error:
            if error.code not in _ABSENT:
                raise
            # That nothing is there is an answer too, and flows read it.
            return {
                "code": "NotFound",
                "message": str(error),
                "request_id": action.id,
                "resource": f"/operation/endpoint/{action.body['endpoint_id']}/stat",
            }

    def make_directory(
        action: Action, collections: Collections, show: Progress, stop: Callable[[], bool]
    ) -> dict[str, Any]:
        del show, stop
        attempt = count_attempt(action.id)
        try:
            return mkdir(action.body, collections)
        except TransferError as error:
            # An earlier attempt made it, and died before it could say so.
            if attempt == 1 or "Exists" not in error.code:
                raise
            return {
                "DATA_TYPE": "mkdir_result",
                "code": "DirectoryCreated",
                "message": "The directory was created successfully",
                "request_id": action.id,
                "resource": "/operation/mkdir",
            }

    def make(name: str, operation: Operation, pool: WorkerPool) -> TransferProvider:
        return TransferProvider(name, operation, settings, roots, finish, pool, closing)

    providers = [
        make("transfer", copy, tasks),
        make("delete", remove, tasks),
        make("ls", quick(ls), lookups),
        make("mkdir", make_directory, lookups),
        make("stat", look, lookups),
    ]

    def close() -> None:
        closing.set()
        for pool in (tasks, lookups):
            pool.close()

    return providers, close
