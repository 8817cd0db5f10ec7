"""Flows that are called by flows: a run of this facility as an action of another."""

from __future__ import annotations

import logging
import sqlite3
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from headrace.facility.engine.engine import Engine
from headrace.facility.engine.validation import input_entries
from headrace.facility.errors import ActionRejected, NotFound, StateConflict
from headrace.facility.providers.base import ProviderBase
from headrace.facility.store.actions import (
    FAILED,
    REFUSED,
    SUCCEEDED,
    Action,
    ActionResult,
    ActionTable,
)
from headrace.facility.store.faults import is_transient
from headrace.facility.store.flows import FlowTable, StoredFlow
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from headrace.facility.supervision import Health, WorkerPool, describe
from headrace.flowlang.runs import TERMINAL

logger = logging.getLogger(__name__)

URL: Final = "https://flows.globus.org/flows"
# A flow may call itself; so many runs inside each other are taken for a mistake.
MAX_DEPTH: Final = 20
_REQUEST: Final = "action "
_CONCURRENT_CHECKS: Final = 2
# After how many seconds what failed for the moment is tried again.
_RETRY_SECONDS: Final = 1.0
_CANCELED: Final = {"code": "Canceled", "description": "canceled before its run was started"}


class _EndedError(Exception):
    """The action has ended, so that nothing is started for it."""


class SubFlowProvider(ProviderBase):
    """Starts runs of flows that are deployed here.

    Args:
        flows: the flows.
        runs: their runs.
        actions: the actions that wait for a run.
        engine: starts runs, and reports their ends.
        health: where problems are reported.
    """

    url = f"{URL}/FLOW_ID"

    def __init__(
        self, flows: FlowTable, runs: RunTable, actions: ActionTable, engine: Engine, health: Health
    ) -> None:
        self._flows = flows
        self._runs = runs
        self._actions = actions
        self._engine = engine
        self._checks = WorkerPool(_CONCURRENT_CHECKS, "flow inputs", health)
        engine.add_end_listener(self._on_run_ended, _REQUEST)

    def close(self) -> None:
        """Check no more inputs; what is left is checked after the next start."""
        self._checks.close()

    def serves(self, url: str) -> bool:
        """Say whether a URL is a flow's."""
        return url.rstrip("/").rpartition("/")[0] == URL

    def new_id(self) -> str:
        """Return an id for a new action."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> None:
        """Check that the flow is here, and that flows do not call each other without end.

        Raises:
            ActionRejected: it is not, or they do.
        """
        self._flow(action)
        depth, run_id = 1, action.run_id
        while (parent := self._parent(db, run_id)) is not None:
            depth, run_id = depth + 1, parent.run_id
            if depth > MAX_DEPTH:
                text = f"runs are more than {MAX_DEPTH} deep inside each other"
                raise ActionRejected("FLOW_DEPTH_ERROR", text)

    def begin(self, action: Action) -> None:
        """Has the input checked and the run started, or find the one that was started before.

        The check is another thread's work: a pattern can keep it busy for a second, and the
        engine's thread is everybody's.
        """
        self._checks.submit(self._check, action)

    def _check(self, action: Action) -> None:
        try:
            if self._run_of(action.id) is None:
                self._check_input(action)
        except Exception as error:  # noqa: BLE001 - it is tried again, or ends the action
            if is_transient(error):
                self._call_later(action, self.begin, _RETRY_SECONDS)
            else:
                self._fail_start(action, error)
            return
        self._call_later(action, self._start)

    def _check_input(self, action: Action) -> None:
        entries = input_entries(self._flow(action).input_schema, action.body)
        if entries:
            where = ".".join(map(str, entries[0]["loc"]))
            raise ActionRejected("FLOW_INPUT_ERROR", f"{where}: {entries[0]['msg']}")

    def _start(self, action: Action) -> None:
        def still_open(db: sqlite3.Connection) -> None:
            now = self._actions.get(action.id, db)
            if now is None or now.completion_time is not None:
                raise _EndedError

        request = {"body": action.body, "label": action.label}
        name = f"{_REQUEST}{action.id}"
        try:
            run = self._engine.start_run(self._flow(action), request, name, still_open)
        except _EndedError:
            return  # it was cancelled before it had started
        except Exception as error:
            if is_transient(error):
                raise
            self._fail_start(action, error)
            return
        if run.status in TERMINAL:
            self._finish(action.id, run)

    def _call_later(
        self, action: Action, work: Callable[[Action], None], seconds: float = 0.0
    ) -> None:
        self._engine.call_later(f"{_REQUEST}{action.id}", seconds, partial(work, action))

    def _fail_start(self, action: Action, error: Exception) -> None:
        if isinstance(error, ActionRejected):
            details = {"code": error.code, "description": error.description}
            self._engine.finish_action(action.id, REFUSED, details)
            return
        logger.error("the run of action %s", action.id, exc_info=error)
        text = f"the run could not be started: {describe(error)}"
        details = {"code": "ActionProviderError", "description": text}
        self._engine.finish_action(action.id, FAILED, details)

    def cancel(self, action: Action) -> None:
        """Cancel the run; one that is not started yet never is."""
        with self._engine.transaction() as db:
            run = self._runs.find_by_request_id(db, f"{_REQUEST}{action.id}")
            if run is None:
                self._actions.end_alone(db, action.id, ActionResult(FAILED, _CANCELED))
        if run is not None and run.status not in TERMINAL:
            try:
                self._engine.changes.cancel_run(run.id)
            except StateConflict:
                return  # it ended at the same moment

    def progress(self, action_id: str) -> dict[str, Any] | None:
        """Return which run it is."""
        run = self._run_of(action_id)
        return {"run_id": run.id, "status": run.status} if run is not None else None

    def _on_run_ended(self, run_id: str) -> None:
        try:
            run = self._runs.get(run_id)
        except NotFound:
            return  # nobody waited for it, or it would have been kept
        if run.request_id is not None and run.request_id.startswith(_REQUEST):
            self._finish(run.request_id.removeprefix(_REQUEST), run)

    def _finish(self, action_id: str, run: Run) -> None:
        details = {"run_id": run.id, **self._runs.details(run)}
        status = SUCCEEDED if run.status == SUCCEEDED else FAILED
        self._engine.finish_action(action_id, status, details)

    def _run_of(self, action_id: str) -> Run | None:
        return self._runs.find_by_request_id(self._runs.reader(), f"{_REQUEST}{action_id}")

    def _parent(self, db: sqlite3.Connection, run_id: str) -> Action | None:
        request = self._runs.get(run_id, db).request_id or ""
        if not request.startswith(_REQUEST):
            return None
        return self._actions.get(request.removeprefix(_REQUEST), db)

    def _flow(self, action: Action) -> StoredFlow:
        flow_id = action.provider.rstrip("/").rpartition("/")[2]
        try:
            return self._flows.get(flow_id)
        except NotFound as error:
            raise ActionRejected("ActionProviderNotFound", str(error)) from error
