"""Recovery after a restart: actions that were left open, and the run that was stuck."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from headrace._internal.files import write_private
from headrace.facility.engine.provider_registry import ProviderRegistry
from headrace.facility.errors import RunUnreadable
from headrace.facility.store.actions import FAILED, Action, ActionTable, FinishAction
from headrace.facility.store.database import Store
from headrace.facility.store.faults import StoreFault, fault_of
from headrace.facility.store.parked_runs import reason_of
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import TERMINAL


class ActionRecovery:
    """Resumes actions that an earlier process left open, or ends them with their runs.

    Args:
        store: the store.
        runs: the runs.
        actions: their actions.
        registry: the action providers.
        begin_action: begins an action's work.
        finish_action: stores the end of an action.
        park_run: sets a run aside that cannot be read.
    """

    def __init__(
        self,
        store: Store,
        runs: RunTable,
        actions: ActionTable,
        registry: ProviderRegistry,
        begin_action: Callable[[Action], None],
        finish_action: FinishAction,
        park_run: Callable[[int, Exception], None],
    ) -> None:
        self._store = store
        self._runs = runs
        self._actions = actions
        self._registry = registry
        self._begin_action = begin_action
        self._finish_action = finish_action
        self._park_run = park_run

    def recover(self, action_id: str) -> None:
        """Begin an action's work again, or end the action where its run does not wait for it.

        It is called by the engine's thread; an action that has ended stays as it is.
        """
        try:
            with self._store.transaction() as db:
                action = self._actions.get(action_id, db)
                if action is None or action.completion_time is not None:
                    return
                awaited = self._is_awaited(db, action)
        except Exception as error:
            if fault_of(error) is not StoreFault.RECORD:
                raise
            number = self._actions.run_number(action_id)
            if number is not None:
                self._park_run(number, RunUnreadable(reason_of(error)))
            return
        if awaited:
            self._begin_action(action)
            return
        # Its run was cancelled, or waited too long, at the moment of the process's death.
        provider = self._registry.find(action.provider)
        if provider is not None:
            provider.cancel(action)
        details = {"code": "Canceled", "description": "the run does not wait for it any more"}
        self._finish_action(action.id, FAILED, details)

    def _is_awaited(self, db: sqlite3.Connection, action: Action) -> bool:
        run = self._runs.get(action.run_id, db)
        if run.status in TERMINAL:
            return False
        return self._runs.event_log.state(db, run.number).action_id == action.id


class StuckRunFile:
    """The number of the run in which the engine was stuck, beside the store.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._path: Path = store.path.with_name("stuck_run")

    def read(self) -> int | None:
        """Return the number; None where the last process was not stuck."""
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return None

    def write(self, number: int) -> None:
        """Record a number."""
        write_private(self._path, str(number))

    def delete(self) -> None:
        """Remove the record."""
        self._path.unlink(missing_ok=True)
