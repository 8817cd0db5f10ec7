"""Actions in the store: requests to action providers, stored before their work begins."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from headrace._internal.clock import now
from headrace._internal.json_check import InvalidValue, Limits, check_json
from headrace.facility.errors import ActionUnreadable
from headrace.facility.store.database import Store
from headrace.facility.store.row_keys import row_key, run_keys
from headrace.facility.supervision import describe

logger = logging.getLogger(__name__)

ACTIVE = "ACTIVE"
INACTIVE = "INACTIVE"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
# The result of a provider that did not begin: the action is FAILED, the state ActionUnableToRun.
REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class ActionResult:
    """Result of an action: a status and its details, which are JSON."""

    status: str
    details: Any


@dataclass(frozen=True)
class Action:
    """One invocation of an action provider.

    Attributes:
        id: the action's id.
        run_id: the run that started it.
        state_name: the run's state that started it.
        provider: URL of the provider.
        body: what the provider was asked.
        label: the run's label.
        status: ACTIVE, INACTIVE, SUCCEEDED or FAILED.
        details: the provider's answer, or its progress at the last write.
        start_time: when it was accepted.
        completion_time: when it ended.
        attempts: how often its work was started: once, and again after each death of the facility.
    """

    id: str
    run_id: str
    state_name: str
    provider: str
    body: dict[str, Any]
    label: str | None
    status: str
    details: Any
    start_time: str
    completion_time: str | None
    attempts: int

    def with_result(self, result: ActionResult, moment: str) -> Action:
        """Return the action as it is after an answer."""
        return replace(self, status=result.status, details=result.details, completion_time=moment)

    def document(self, creator: str, details: Any = None) -> dict[str, Any]:
        """Return the action status document of the action provider interface.

        Args:
            creator: URN of who started the run.
            details: progress to show instead of what is stored.
        """
        return {
            "action_id": self.id,
            "status": self.status,
            "display_status": self.status,
            "creator_id": creator,
            "details": self.details if details is None else details,
            "label": self.label,
            "manage_by": [],
            "monitor_by": [],
            "release_after": None,
            "start_time": self.start_time,
            "completion_time": self.completion_time,
        }


# Those that are no JSON.
_PLAIN_COLUMNS: Final = (
    "id, run_id, state_name, provider, label, status, start_time, completion_time, attempts"
)
_KNOWN: Final = frozenset({ACTIVE, INACTIVE, SUCCEEDED, FAILED, REFUSED})
# Details of more bytes fit into no payload, and are not kept.
_DETAILS: Final = Limits(size=1_000_000)


def validate_result(result: ActionResult) -> ActionResult:
    """Return a provider's result, or a failure in its place where it is not valid."""
    problem = None
    if result.status not in _KNOWN:
        problem = f"the status {result.status!r:.40}, which is none of an action"
    else:
        try:
            check_json(result.details, "details", _DETAILS)
        except InvalidValue as error:
            problem = f"what cannot be stored: {error}"
    if problem is None:
        return result
    description = f"the action provider answered with {problem}"
    return ActionResult(FAILED, {"code": "ActionProviderError", "description": description})


FinishAction = Callable[[str, str, Any], None]
CallLater = Callable[[str, float, Callable[[], None]], None]


class FacilityProvider(Protocol):
    """An action provider inside the facility.

    A provider accepts an action in the transaction that stores the run's step, so that an action
    is accepted once whatever happens, and does its work afterwards on threads of its own.
    """

    @property
    def url(self) -> str:
        """The provider's URL at the hosted services."""

    def new_id(self) -> str:
        """Return an id for a new action, in the provider's own form."""

    def accept(self, db: sqlite3.Connection, action: Action) -> ActionResult | None:
        """Check the body and store what the work needs, in the given transaction.

        Returns:
            The answer, where there is nothing to be done for it; the work is not started then.

        Raises:
            ActionRejected: the body is not what the provider takes.
        """

    def begin(self, action: Action) -> None:
        """Begin or, after a restart, continue the work; return at once."""

    def cancel(self, action: Action) -> None:
        """Ask for the work to stop; it may end all the same."""

    def resume(self, action: Action) -> None:
        """Try again what is blocked."""

    def serves(self, url: str) -> bool:
        """Say whether it answers at a URL other than its own."""

    def progress(self, action_id: str) -> dict[str, Any] | None:
        """Return how far an action has come, where that is known."""


class ActionTable:
    """The actions in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.counters = store.counters

    def insert(self, db: sqlite3.Connection, action: Action, run: int, sequence: int) -> None:
        """Store a new action.

        Args:
            db: the transaction.
            action: the action.
            run: the number of its run.
            sequence: the run's event that it belongs to; a second action of one event is an
                integrity error.
        """
        db.execute(
            "INSERT INTO actions (number, id, run_id, state_name, provider, body, label,"
            " status, details, start_time, completion_time) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (
                row_key(run, sequence),
                action.id,
                action.run_id,
                action.state_name,
                action.provider,
                json.dumps(action.body),
                action.label,
                action.status,
                json.dumps(action.details),
                action.start_time,
                action.completion_time,
            ),
        )

    @staticmethod
    def end(db: sqlite3.Connection, action_id: str, result: ActionResult) -> bool:
        """Store how an action ended; an end that is there already stays.

        Returns:
            Whether this call ended it.
        """
        cursor = db.execute(
            "UPDATE actions SET status = ?, details = ?, completion_time = ?"
            " WHERE id = ? AND completion_time IS NULL",
            (
                FAILED if result.status == REFUSED else result.status,
                json.dumps(result.details),
                now(),
                action_id,
            ),
        )
        return cursor.rowcount == 1

    def end_alone(self, db: sqlite3.Connection, action_id: str, result: ActionResult) -> None:
        """Store how an action ended for which its run does not wait; as :meth:`end`."""
        if self.end(db, action_id, result):
            self._store.changes.add_run_of_action(db, action_id)

    @staticmethod
    def set_blocked(db: sqlite3.Connection, action_id: str, details: Any, blocked: bool) -> bool:
        """Store whether an open action can go on by itself; say whether that is new."""
        cursor = db.execute(
            "UPDATE actions SET status = ?, details = ?"
            " WHERE id = ? AND completion_time IS NULL AND status != ?",
            (
                INACTIVE if blocked else ACTIVE,
                json.dumps(details),
                action_id,
                INACTIVE if blocked else ACTIVE,
            ),
        )
        return cursor.rowcount == 1

    def store_progress(self, action_id: str, details: Any) -> None:
        """Store how far an open action has come, or what stands in its way."""

        def store() -> None:
            with self._store.transaction() as db:
                db.execute(
                    "UPDATE actions SET details = ? WHERE id = ? AND completion_time IS NULL",
                    (json.dumps(validate_result(ActionResult(ACTIVE, details)).details), action_id),
                )
                self._store.changes.add_run_of_action(db, action_id)

        self._store.retry_while_unavailable(store, f"action {action_id}")

    def count_attempt(self, action_id: str) -> int:
        """Count one more attempt of the action, and return how many there were."""

        def count() -> int:
            with self._store.transaction() as db:
                db.execute("UPDATE actions SET attempts = attempts + 1 WHERE id = ?", (action_id,))
                row = db.execute("SELECT attempts FROM actions WHERE id = ?", (action_id,))
                return int(row.fetchone()["attempts"])

        return self._store.retry_while_unavailable(count, f"action {action_id}")

    def get(self, action_id: str, db: sqlite3.Connection | None = None) -> Action | None:
        """Return one action, read in the given transaction or else as last committed."""
        source = db or self._store.reader()
        row = source.execute("SELECT * FROM actions WHERE id = ?", (action_id,)).fetchone()
        return action_from_row(row) if row else None

    @staticmethod
    def get_with_details(db: sqlite3.Connection, action_id: str, details: Any) -> Action | None:
        """Return an action whose details are at hand, with an empty body: no JSON is read."""
        row = db.execute(
            f"SELECT {_PLAIN_COLUMNS} FROM actions WHERE id = ?",  # noqa: S608 - a constant
            (action_id,),
        ).fetchone()
        return Action(**dict(row), body={}, details=details) if row else None

    def for_task(self, task_id: str) -> Action | None:
        """Return the action that a task of a hosted endpoint belongs to."""
        row = self._store.reader().execute(
            "SELECT actions.* FROM actions JOIN tasks ON tasks.action_id = actions.id"
            " WHERE tasks.id = ?",
            (task_id,),
        )
        found = row.fetchone()
        return action_from_row(found) if found else None

    def open_for_run(self, run: int) -> list[Action]:
        """Return the open actions of a run, by its number, in the order of their starts."""
        rows = self._store.reader().execute(
            "SELECT * FROM actions WHERE number BETWEEN ? AND ? AND completion_time IS NULL"
            " ORDER BY start_time, number",
            run_keys(run),
        )
        return [action_from_row(row) for row in rows]

    def is_open(self, action_id: str) -> bool:
        """Say whether neither an action nor its run has ended, as last committed."""
        row = self._store.reader().execute(
            "SELECT 1 FROM actions JOIN runs ON runs.id = actions.run_id WHERE actions.id = ?"
            " AND actions.completion_time IS NULL AND runs.completion_time IS NULL",
            (action_id,),
        )
        return row.fetchone() is not None

    def open_ids(self) -> list[str]:
        """Return the ids of all actions that have not ended, in the order of their starts."""
        rows = self._store.reader().execute(
            "SELECT id FROM actions WHERE completion_time IS NULL ORDER BY start_time, number"
        )
        return [row["id"] for row in rows]

    def open_for_provider(self, provider: str) -> list[Action]:
        """Return a provider's actions that have not ended; what cannot be read is left out."""
        rows = self._store.reader().execute(
            "SELECT * FROM actions WHERE completion_time IS NULL AND provider = ?"
            " ORDER BY start_time, number",
            (provider,),
        )
        found = []
        for row in rows:
            try:
                found.append(action_from_row(row))
            except (ValueError, TypeError, RecursionError) as error:
                logger.error("action %s cannot be read: %s", row["id"], error)
        return found

    def run_number(self, action_id: str) -> int | None:
        """Return the number of the run that an action belongs to; None where either is gone."""
        row = (
            self._store.reader()
            .execute(
                "SELECT number FROM runs WHERE id = (SELECT run_id FROM actions WHERE id = ?)",
                (action_id,),
            )
            .fetchone()
        )
        return row["number"] if row else None


def action_from_row(row: sqlite3.Row) -> Action:
    """Make an action of its row.

    Raises:
        ActionUnreadable: the row is damaged.
    """
    try:
        body, details = json.loads(row["body"]), json.loads(row["details"])
    except (ValueError, TypeError, RecursionError) as error:
        raise ActionUnreadable(
            f"its action {row['id']} cannot be read: {describe(error)}"
        ) from error
    return Action(
        id=row["id"],
        run_id=row["run_id"],
        state_name=row["state_name"],
        provider=row["provider"],
        body=body,
        label=row["label"],
        status=row["status"],
        details=details,
        start_time=row["start_time"],
        completion_time=row["completion_time"],
        attempts=row["attempts"],
    )
