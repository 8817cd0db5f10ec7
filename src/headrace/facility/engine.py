"""The engine: one thread that takes every run as far as it can go.

All runs that are ready share one transaction, so that a busy facility pays for one flush, not for
one each. An action is stored with the step that starts it, in the same transaction, and begins
after the commit; what a death of the process left begun is begun again at the next start.
"""

from __future__ import annotations

import heapq
import logging
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from headrace.facility.actions import ACTIVE, Action, Actions, Provider
from headrace.facility.advance import Traveller, Turn
from headrace.facility.clock import now
from headrace.facility.errors import ActionRejected, StateConflict
from headrace.facility.flows import StoredFlow
from headrace.facility.identity import Identity
from headrace.facility.redact import without_private
from headrace.facility.runs import (
    FAILED,
    TERMINAL,
    Phase,
    Run,
    Runs,
    definition_hash,
    make_entry,
)
from headrace.facility.store import RETRY_SECONDS, Store
from headrace.flowlang import CallAction, Flow, StateError, parse_flow

logger = logging.getLogger(__name__)

Effect = Callable[[], None]


class Engine:
    """Executes runs.

    Args:
        store: where runs are kept.
        identity: who runs are started by.
    """

    def __init__(self, store: Store, identity: Identity) -> None:
        self._store = store
        self._identity = identity
        self._runs = Runs(store)
        self._actions = Actions(store)
        self._providers: dict[str, Provider] = {}
        self._condition = threading.Condition()
        self._ready: dict[str, set[float]] = {}  # run id -> stored times that have come
        self._timers: list[tuple[float, str, float]] = []  # monotonic, run id, stored time
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._flow = lru_cache(maxsize=256)(self._load_flow)

    def start(self, providers: Sequence[Provider]) -> None:
        """Takes up every open run and action, and begins to work."""
        self._providers = {_canonical(provider.url): provider for provider in providers}
        for action in self._actions.open():
            self._begin(action)
        for run in self._runs.open():
            self._watch_clock(run)
            self.wake(run.id)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the present transaction; open runs go on at the next start."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self, run_id: str, due: Collection[float] = ()) -> None:
        """Says that a run may be able to go on.

        Args:
            run_id: the run.
            due: which of its stored times have come.
        """
        with self._condition:
            self._ready.setdefault(run_id, set()).update(due)
            self._condition.notify()

    def finish_action(self, action_id: str, status: str, details: Mapping[str, Any] | str) -> None:
        """Stores the end of an action and wakes its run; providers call it."""
        action = self._actions.get(action_id)
        if self._actions.finish(action_id, status, details) and action is not None:
            self.wake(action.run_id)

    def start_run(self, flow: StoredFlow, request: Mapping[str, Any]) -> Run:
        """Stores a new run and begins it.

        Args:
            flow: the flow to run.
            request: body of the service's run request, its input checked already.
        """
        body = request.get("body") or {}
        starting = {
            "code": "FlowStarting",
            "description": "The Flow is starting execution",
            "details": {"input": without_private(body)},
        }
        entry = make_entry(
            "FlowStarted",
            "The Flow Instance started execution",
            {"input": without_private(body)},
        )
        metadata = {
            "tags": [" ".join(str(tag).split()) for tag in request.get("tags") or []],
            "run_managers": list(request.get("run_managers") or []),
            "run_monitors": list(request.get("run_monitors") or []),
            "activity_notification_policy": request.get("activity_notification_policy")
            or {"status": ["INACTIVE"]},
            "flow_last_updated": flow.updated_at,
        }
        run = Run(
            id=str(uuid.uuid4()),
            flow_id=flow.id,
            flow_title=flow.title,
            definition=definition_hash(flow.definition, flow.input_schema),
            metadata=metadata,
            label=request.get("label"),
            start_time=entry.time,
            completion_time=None,
            status=ACTIVE,
            details=starting,
            state=flow.definition["StartAt"],
            phase=Phase.ENTER,
            payload=body,
            sequence=1,
            action_id=None,
            wake_at=None,
        )
        with self._store.transaction() as db:
            self._runs.insert(db, run, flow.definition, flow.input_schema)
            self._runs.save(db, run, [entry])
        self.wake(run.id)
        return run

    def cancel_run(self, run_id: str) -> Run:
        """Ends a run as FAILED with the code ``FlowCanceled``, and cancels its action.

        Raises:
            NotFound: no run has this id.
            StateConflict: the run has ended already.
        """
        with self._store.transaction() as db:
            run = self._runs.get(run_id, db)
            if run.status in TERMINAL:
                raise StateConflict(
                    f"Run {run_id} has status '{run.status}' but must have status in "
                    "{'ACTIVE', 'INACTIVE'} for requested operation"
                )
            action = self._actions.get(run.action_id, db) if run.action_id else None
            entry = make_entry("FlowCanceled", "The Flow Instance was canceled by the user", {})
            run = replace(
                run,
                status=FAILED,
                phase=Phase.DONE,
                completion_time=entry.time,
                details=entry.document(),
                sequence=run.sequence + 1,
                action_id=None,
                wake_at=None,
            )
            self._runs.save(db, run, [entry])
        if action is not None and action.status == ACTIVE:
            self._provider(action.provider).cancel(action)
        return run

    def progress(self, action: Action) -> Any:
        """Returns an active action's progress, as far as its provider tells."""
        return self._provider(action.provider).progress(action.id)

    def _loop(self) -> None:
        while True:
            batch = self._wait_for_work()
            if batch is None:
                return
            try:
                effects = self._isolated_turns(batch)
            except sqlite3.OperationalError as error:
                logger.error("the store cannot be written, trying again: %s", error)
                self._put_back(batch)
                continue
            for effect in effects:
                try:
                    effect()
                except Exception:
                    logger.exception("after a turn of %d runs", len(batch))

    def _isolated_turns(self, batch: Mapping[str, set[float]]) -> list[Effect]:
        # A fault of ours in one run must neither stop the others nor leave this one open.
        try:
            return self._turns(batch)
        except sqlite3.OperationalError:
            raise
        except Exception:
            logger.exception("a turn of %d runs", len(batch))
        if len(batch) > 1:
            single = [self._isolated_turns({run_id: due}) for run_id, due in batch.items()]
            return [effect for effects in single for effect in effects]
        with self._store.transaction() as db:
            for run_id in batch:
                turn = _internal_error(self._runs.get(run_id, db))
                self._runs.save(db, turn.run, turn.entries)
        return []

    def _put_back(self, batch: Mapping[str, set[float]]) -> None:
        time.sleep(RETRY_SECONDS)
        for run_id, due in batch.items():
            self.wake(run_id, due)

    def _wait_for_work(self) -> dict[str, set[float]] | None:
        with self._condition:
            while True:
                if self._stopping:
                    return None
                moment = time.monotonic()
                while self._timers and self._timers[0][0] <= moment:
                    _, run_id, wake_at = heapq.heappop(self._timers)
                    self._ready.setdefault(run_id, set()).add(wake_at)
                if self._ready:
                    batch, self._ready = self._ready, {}
                    return batch
                timeout = self._timers[0][0] - moment if self._timers else None
                self._condition.wait(timeout)

    def _turns(self, batch: Mapping[str, set[float]]) -> list[Effect]:
        effects: list[Effect] = []
        with self._store.transaction() as db:
            for run_id, due in batch.items():
                row = db.execute("SELECT 1 FROM runs WHERE id = ?", (run_id,)).fetchone()
                if row is not None:
                    effects += self._advance(db, self._runs.get(run_id, db), due)
        return effects

    def _advance(self, db: sqlite3.Connection, run: Run, times: Collection[float]) -> list[Effect]:
        if run.status in TERMINAL:
            return []
        # A timer that was set for an earlier state of the run has nothing to say now.
        due = run.wake_at in times
        action = self._actions.get(run.action_id, db) if run.action_id else None
        effects: list[Effect] = []
        traveller = Traveller(run, self._flow(run.definition), self._context(run))
        turn = traveller.travel(action, self._identity.urn, due)
        if due and action is not None and action.status == ACTIVE:
            late = action
            effects.append(lambda: self._provider(late.provider).cancel(late))
        while turn.call is not None:
            turn, effect = self._start_action(db, turn, turn.call)
            effects += [effect] if effect else []
        if turn.run != run:
            self._runs.save(db, turn.run, turn.entries)
            self._watch_clock(turn.run)
        if turn.more:
            effects.append(lambda: self.wake(run.id))
        return effects

    def _start_action(
        self, db: sqlite3.Connection, turn: Turn, call: CallAction
    ) -> tuple[Turn, Effect | None]:
        run = turn.run
        name = run.state or ""
        db.execute("SAVEPOINT action")
        try:
            provider = self._providers.get(_canonical(call.url))
            if provider is None:
                raise ActionRejected(
                    "ActionProviderNotFound",
                    f"this facility has no action provider {call.url}; it has: "
                    + ", ".join(sorted(self._providers)),
                )
            action = Action(
                id=provider.new_id(),
                run_id=run.id,
                state_name=name,
                provider=provider.url,
                body=dict(call.body),
                label=run.label,
                status=ACTIVE,
                details={},
                start_time=now(),
                completion_time=None,
                attempts=0,
            )
            provider.accept(db, action)
            request_id = str(uuid.uuid5(uuid.UUID(run.id), str(run.sequence)))
            self._actions.insert(db, action, request_id)
        except ActionRejected as error:
            db.execute("ROLLBACK TO action")
            db.execute("RELEASE action")
            cause = {"code": error.code, "description": error.description}
            traveller = Traveller(run, self._flow(run.definition), self._context(run))
            refused = traveller.refuse(StateError("ActionUnableToRun", cause, name))
            return replace(refused, entries=turn.entries + refused.entries), None
        db.execute("RELEASE action")
        waiting = replace(turn, run=replace(run, action_id=action.id), call=None)
        return waiting, lambda: self._begin(action)

    def _begin(self, action: Action) -> None:
        try:
            self._provider(action.provider).begin(action)
        except Exception as error:
            logger.exception("action %s of %s", action.id, action.provider)
            description = f"the work could not be begun: {type(error).__name__}: {error}"
            details = {"code": "ActionProviderError", "description": description}
            self.finish_action(action.id, FAILED, details)

    def _provider(self, url: str) -> Provider:
        return self._providers[_canonical(url)]

    def _watch_clock(self, run: Run) -> None:
        if run.wake_at is None:
            return
        remaining = max(0.0, run.wake_at - time.time())
        with self._condition:
            heapq.heappush(self._timers, (time.monotonic() + remaining, run.id, run.wake_at))
            self._condition.notify()

    def _load_flow(self, sha256: str) -> Flow:
        definition, _ = self._runs.definition(sha256)
        return parse_flow(definition)

    def _context(self, run: Run) -> dict[str, Any]:
        return self._identity.context(flow_id=run.flow_id, run_id=run.id)


def _canonical(url: str) -> str:
    return url.rstrip("/")


def _internal_error(run: Run) -> Turn:
    name = run.state or ""
    cause = "internal error of the facility: see its log"
    document = StateError("States.Runtime", cause, name).document()
    entry = make_entry("FlowFailed", f"State {name} failed: States.Runtime", document)
    ended = replace(
        run,
        status=FAILED,
        phase=Phase.DONE,
        sequence=run.sequence + 1,
        completion_time=entry.time,
        details={"code": "FlowFailed", "description": entry.description, "details": document},
        action_id=None,
        wake_at=None,
    )
    return Turn(ended, [entry])
