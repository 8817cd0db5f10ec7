"""Engine of the facility: one thread that advances every run as far as it can go.

All runs that are ready share one transaction, and so do all that are to be started: a busy facility
pays for one flush, not for one each. An action is stored with its event in the same transaction,
and its work begins after the commit; work that was interrupted by the death of the process begins
again at the next start.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Final

from headrace.facility.engine.effects import Effect, EffectRunner
from headrace.facility.engine.end_listeners import EndListeners
from headrace.facility.engine.provider_registry import ProviderRegistry
from headrace.facility.engine.recovery import ActionRecovery
from headrace.facility.engine.retention import RETENTION_DAYS, Retention
from headrace.facility.engine.run_changes import RunChanges
from headrace.facility.engine.run_executor import RunExecutor
from headrace.facility.engine.run_parking import NEW_RUN, STUCK, RunParking
from headrace.facility.engine.run_starter import RunStarter
from headrace.facility.engine.timers import Timers
from headrace.facility.engine.wakeups import Wakeup, WakeupQueue
from headrace.facility.identity import Identity
from headrace.facility.store.actions import (
    Action,
    ActionResult,
    ActionTable,
    FacilityProvider,
    validate_result,
)
from headrace.facility.store.database import RETRY_SECONDS, Store
from headrace.facility.store.ended_runs import EndedRuns
from headrace.facility.store.event_log import EventLog
from headrace.facility.store.event_queue import EventQueue
from headrace.facility.store.faults import StoreFault, fault_of
from headrace.facility.store.flows import StoredFlow
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from headrace.facility.supervision import Health, Heartbeat, SupervisedThread
from headrace.flowlang.runs import MAX_STATES_PER_ADVANCE, Phase, RunState

logger = logging.getLogger(__name__)

# Runs that share a transaction at the most, so that memory does not grow with their number.
_BATCH_RUNS: Final = 500


class Engine:
    """Executes runs.

    Args:
        store: where runs are kept.
        identity: who runs are started by.
        retention_days: days after which the record of an ended run is removed; None keeps all.
        max_states: states after which a run that never waits lets others go on.
        health: where problems are reported; the store's by default.

    Attributes:
        starter: starts runs for requests that wait for it.
        retention_days: days after which the record of an ended run is removed; None keeps all.
        changes: retries, cancels, resumes and holds runs for people who ask for it.
        event_queue: hands on what happens to runs.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        retention_days: float | None = RETENTION_DAYS,
        max_states: int = MAX_STATES_PER_ADVANCE,
        health: Health | None = None,
    ) -> None:
        self.retention_days = retention_days
        self._health = health or store.health
        self._store = store
        self._identity = identity
        self._runs = RunTable(store, EventLog(store))
        self._actions = ActionTable(store)
        self.event_queue = EventQueue(store)
        self._registry = ProviderRegistry()
        self._timers = Timers()
        self._wakeups = WakeupQueue()
        self._effects = EffectRunner(self._timers, store, self._health, self._wakeups.notify)
        self._listeners = EndListeners(self._timers, self._wakeups.notify)
        self._executor = RunExecutor(
            self._runs,
            self._actions,
            self._registry,
            identity,
            self._begin_action,
            self._after_advance,
            self._listeners.notify,
            max_states,
            self.event_queue,
        )
        self._parking = RunParking(store, self._executor, self._timers, self._wakeups)
        self._recovery = ActionRecovery(
            store,
            self._runs,
            self._actions,
            self._registry,
            partial(self._registry.begin, finish=self.finish_action),
            self.finish_action,
            self._parking.park,
        )
        self._retention = (
            None
            if retention_days is None
            else Retention(EndedRuns(store, self._runs), retention_days, self._health)
        )
        self._current_run: int | None = None
        self._heartbeat = Heartbeat("engine", on_give_up=self._record_stuck_run)
        self._thread = SupervisedThread("engine", self._loop, self._health)
        self._heartbeat.thread = self._thread.thread
        self.changes = RunChanges(
            store,
            self._runs,
            self._executor,
            self._parking,
            self._effects,
            self._wakeups,
            identity,
        )
        self.starter = RunStarter(
            store,
            self._runs,
            self._executor,
            self._wakeups,
            self._effects.run_all,
            self._heartbeat.beat,
        )

    @property
    def parked(self) -> int:
        """Number of runs that are parked."""
        return len(self._executor.parked)

    @property
    def queued(self) -> int:
        """Number of runs that are ready and wait for the engine's thread."""
        return len(self._wakeups)

    @property
    def delay(self) -> float:
        """Seconds for which the run that waits longest for the engine's thread has waited."""
        return self._wakeups.delay()

    def start(self, providers: Sequence[FacilityProvider]) -> None:
        """Resume every open run and action, and start the engine's thread."""
        self._registry.register(providers)
        stuck = self._parking.load()
        self.starter.advances = not self._parking.stuck_in_new_run
        for number, _ in self._runs.list_open():
            if number != stuck:
                self._wakeups.add(number)
        # By the engine's thread, before it advances a run: an action that this process begins is
        # never taken for one that an earlier process left, to be begun twice or cancelled.
        for action_id in self._actions.open_ids():
            recover = partial(self._recovery.recover, action_id)
            self._timers.call_after(f"recovery of action {action_id}", 0.0, recover)
        self._thread.start()
        self._health.add_heartbeat(self._heartbeat)
        if self._retention is not None:
            self._timers.call_after("retention", 0.0, self._remove_old_runs)
            self._wakeups.notify()

    def stop(self) -> None:
        """End after the present transaction; open runs continue at the next start."""
        self._wakeups.close()
        self._heartbeat.stop()
        self._thread.stop()
        self._wakeups.release()
        self.starter.close()

    def call_later(self, key: str, seconds: float, callback: Callable[[], None]) -> None:
        """Have a callback run by the engine's thread, which it must not block.

        One that raises is repeated, after longer and longer pauses, until it does not.

        Args:
            key: name of the timer; a later call with the same key replaces an earlier one.
            seconds: from now on.
            callback: what is called.
        """
        self._timers.call_after(key, seconds, callback)
        self._wakeups.notify()

    def finish_action(self, action_id: str, status: str, details: Any) -> None:
        """Store the end of an action and advance its run; providers call it.

        It returns when the end is stored; called by the engine's own thread it returns at once.
        An action that has ended already stays as it is.
        """
        self._deliver_result(action_id, ActionResult(status, details))

    def add_end_listener(self, listener: Callable[[str], None], request_prefix: str = "") -> None:
        """Have a function called with the id of every run that ends, by the engine's thread.

        One that raises is called again until it does not; it may be called twice for one end.

        Args:
            listener: the function.
            request_prefix: only for runs whose request's name begins like this.
        """
        self._listeners.add(listener, request_prefix)

    def block_action(self, action_id: str, details: Any, blocked: bool = True) -> None:
        """Store that an action is blocked, or not any more; providers call it.

        Args:
            action_id: the action.
            details: the reason, in the service's shape: ``code``, ``description`` and others.
            blocked: whether it is blocked.
        """
        self._deliver_result(action_id, ActionResult("INACTIVE" if blocked else "ACTIVE", details))

    def start_run(
        self,
        flow: StoredFlow,
        request: Mapping[str, Any],
        request_id: str | None = None,
        check: Callable[[sqlite3.Connection], None] | None = None,
    ) -> Run:
        """Store a new run and start it.

        Args:
            flow: the flow to run.
            request: body of the service's run request, its input checked already.
            request_id: name of the request; a repeated one gives the run that it has started.
            check: called in the transaction before a new run is stored; it may refuse by raising.
        """
        return self.starter.start(flow, request, request_id, check)

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Return a write transaction of the store, in which no run is advanced."""
        return self._store.transaction()

    def progress(self, action: Action) -> Any:
        """Return an active action's progress, as far as its provider reports it."""
        return self._registry.progress(action)

    def _begin_action(self, action: Action) -> None:
        """Have the work of a new action begun, unless its run was cancelled since the commit."""
        if self._actions.is_open(action.id):
            self._registry.begin(action, self.finish_action)
        else:
            self._recovery.recover(action.id)

    def _deliver_result(self, action_id: str, result: ActionResult) -> None:
        number = self._store.retry_while_unavailable(
            partial(self._actions.run_number, action_id), f"the end of action {action_id}"
        )
        if number is None:
            return
        own = threading.current_thread() is self._thread.thread
        done = None if own else threading.Event()
        delivered = (action_id, validate_result(result), done)
        if self._wakeups.add(number, result=delivered) and done is not None:
            done.wait()

    def _loop(self) -> None:
        while (batch := self._wait_for_work()) is not None:
            try:
                self.starter.start_waiting()
                if not batch:
                    continue
                effects = self._advance_batch(batch)
            except sqlite3.Error as error:
                self._wakeups.put_back(batch)
                if self._store.report_fault(error) is StoreFault.RECORD:
                    raise
                time.sleep(RETRY_SECONDS)
                continue
            except BaseException:
                self._wakeups.put_back(batch)
                raise
            finally:
                self._current_run = None
            self._health.clear("engine")
            for wakeup in batch.values():
                wakeup.release()
            self._effects.run_all(effects)

    def _wait_for_work(self) -> dict[int, Wakeup] | None:
        while True:
            for key, callback in self._timers.pop_due():
                self._heartbeat.beat(f"the timer {key}")
                self._effects.run(key, callback)
            self._heartbeat.beat()
            pause = partial(self.starter.pause, self._timers.pause)
            batch = self._wakeups.take(_BATCH_RUNS, pause)
            if batch is None or batch or self.starter:
                return batch

    def _advance_batch(self, batch: Mapping[int, Wakeup], read_again: bool = True) -> list[Effect]:
        # A fault of one run must neither stop the others nor park them.
        try:
            with self._store.transaction() as db:
                return [
                    effect
                    for number, wakeup in batch.items()
                    for effect in self._advance_one(db, number, wakeup)
                ]
        except sqlite3.IntegrityError as error:
            failure: Exception = error
            if read_again:
                logger.error("runs were changed by somebody else, reading them again: %s", error)
                for number in batch:
                    self._runs.event_log.forget(number)
                return self._advance_batch(batch, read_again=False)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and fault_of(error) is not StoreFault.RECORD:
                raise
            failure = error
        if len(batch) > 1:
            single = [self._advance_batch({number: wakeup}) for number, wakeup in batch.items()]
            return [effect for effects in single for effect in effects]
        for number, wakeup in batch.items():
            self._parking.park(number, failure, wakeup)
        return []

    def _advance_one(self, db: sqlite3.Connection, number: int, wakeup: Wakeup) -> list[Effect]:
        self._current_run = number
        self._heartbeat.beat(f"run number {number}")
        if self._parking.is_held(number):
            self._executor.park(db, number, wakeup, STUCK)
            return []
        return self._executor.advance(db, number, wakeup)

    def _record_stuck_run(self, activity: str) -> None:
        del activity
        self._parking.record_stuck(NEW_RUN if self.starter.is_advancing else self._current_run)

    def _after_advance(self, run: Run, state: RunState) -> None:
        """Set the timer of a run whose new state is committed, or have it advanced again."""
        number = run.number
        self._parking.advanced(number)
        if state.phase == Phase.DONE:
            self._listeners.notify(run)
        if state.phase == Phase.ENTER and run.held_at is None:
            self._wakeups.add(number)
        elif state.wake_at is None:
            self._timers.cancel(number)
        else:
            callback = partial(self._wakeups.add, number, state.wake_at)
            if state.seconds is None:
                self._timers.call_at(number, state.wake_at, callback)
            else:
                # A wall clock that was set back must not make a wait longer than it is.
                left = min(state.seconds, state.wake_at - time.time())
                self._timers.call_after(number, left, callback)

    def _remove_old_runs(self) -> None:
        if self._retention is not None:
            self._timers.call_after(
                "retention", self._retention.remove_some(), self._remove_old_runs
            )
