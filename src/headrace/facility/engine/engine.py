"""The engine: one thread that takes every run as far as it can go.

All runs that are ready share one transaction, so that a busy facility pays for one flush, not for
one each. An action is stored with the event that tells of it, in the same transaction, and begins
after the commit; what a death of the process left begun is begun again at the next start.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from headrace._internal.files import write_private
from headrace.facility.engine.parking import ParkedRuns, reason_of
from headrace.facility.engine.provider_registry import ProviderRegistry
from headrace.facility.engine.retention import RETENTION_DAYS, Retention
from headrace.facility.engine.run_creation import create_run
from headrace.facility.engine.run_executor import Effect, RunExecutor, Wakeup
from headrace.facility.engine.run_retry import Retry, create_retry_run
from headrace.facility.engine.timers import Timers
from headrace.facility.errors import FacilityError, RunUnreadable, StateConflict
from headrace.facility.identity import Identity
from headrace.facility.store.actions import (
    FAILED,
    Action,
    ActionProvider,
    ActionResult,
    ActionTable,
    validate_result,
)
from headrace.facility.store.database import RETRY_SECONDS, Store
from headrace.facility.store.event_log import EventLog
from headrace.facility.store.faults import StoreFault, fault_of, is_transient
from headrace.facility.store.flows import StoredFlow
from headrace.facility.store.runs import Run, RunTable
from headrace.facility.supervision import Health, Heartbeat, SupervisedThread, describe
from headrace.flowlang.runs import MAX_STATES_PER_ADVANCE, TERMINAL, Phase, RunState

logger = logging.getLogger(__name__)

_STUCK: Final = "the facility was stuck in it, and ended itself"

# Runs that share a transaction at the most, so that memory does not grow with their number.
_BATCH_RUNS: Final = 500
# Pauses before what failed is tried again: each twice the one before.
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0
# A run that was parked for want of something is taken up again after such a pause.
_PARKED_PAUSE: Final = 30.0
_LONGEST_PARKED_PAUSE: Final = 3600.0


class Engine:
    """Executes runs.

    Args:
        store: where runs are kept.
        identity: who runs are started by.
        retention_days: days after which the record of an ended run is removed; None keeps all.
        max_states: states after which a run that never waits lets others go on.
        health: told of what does not go as it should; the store's by default.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        retention_days: float | None = RETENTION_DAYS,
        max_states: int = MAX_STATES_PER_ADVANCE,
        health: Health | None = None,
    ) -> None:
        self._health = health or store.health
        self._store = store
        self._identity = identity
        self._runs = RunTable(store, EventLog(store))
        self._actions = ActionTable(store)
        self._registry = ProviderRegistry()
        self._timers = Timers()
        self._executor = RunExecutor(
            self._runs,
            self._actions,
            self._registry,
            identity,
            self._begin_action,
            self._after_advance,
            self._notify_listeners,
            max_states,
        )
        self._retention = (
            None if retention_days is None else Retention(self._runs, retention_days, self._health)
        )
        # How often in a row something failed, by the key of its timer.
        self._failures: dict[Any, int] = {}
        self._held_runs: set[int] = set()
        self._park_counts: dict[int, int] = {}
        self._effect_count = 0
        self._current_run: int | None = None
        self._heartbeat = Heartbeat("engine", on_give_up=self._note_stuck)
        self._condition = threading.Condition()
        self._ready: dict[int, Wakeup] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._stopping = False
        self._thread = SupervisedThread("engine", self._loop, self._health)
        self._heartbeat.thread = self._thread.thread

    @property
    def parked(self) -> int:
        """How many runs are parked."""
        return len(self._executor.parked)

    def start(self, providers: Sequence[ActionProvider]) -> None:
        """Take up every open run and action, and begin to work."""
        self._registry.register(providers)
        self._executor.parked |= ParkedRuns.numbers(self._runs.reader())
        stuck = self._park_stuck()
        for number, _ in self._runs.list_open():
            if number != stuck:
                self._wake(number)
        self._thread.start()
        self._health.add_heartbeat(self._heartbeat)
        for action_id in self._actions.open_ids():
            self._run_effects([partial(self._recover, action_id)])
        if self._retention is not None:
            self._timers.call_after("retention", 0.0, self._remove_old_runs)
            self._notify()

    def stop(self) -> None:
        """End after the present transaction; open runs go on at the next start."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._heartbeat.stop()
        self._thread.stop()
        for signal in self._ready.values():
            self._release(signal)

    def call_later(self, key: str, seconds: float, callback: Callable[[], None]) -> None:
        """Has something done by the engine's thread, which it must not hold up.

        What raises is done again, after longer and longer pauses, until it does not.

        Args:
            key: what it is for; a later call with the same key takes the place of an earlier one.
            seconds: from now on.
            callback: what is done.
        """
        self._timers.call_after(key, seconds, callback)
        self._notify()

    def finish_action(self, action_id: str, status: str, details: Any) -> None:
        """Store the end of an action and goes on with its run; providers call it.

        It returns when the end is stored; called by the engine's own thread it returns at once.
        An action that has ended already stays as it is.
        """
        self._deliver_result(action_id, ActionResult(status, details))

    def add_end_listener(self, listener: Callable[[str], None]) -> None:
        """Has a function called with the id of every run that ends, by the engine's thread.

        One that raises is called again until it does not; it may be told of an end twice.
        """
        self._listeners.append(listener)

    def block_action(self, action_id: str, details: Any, blocked: bool = True) -> None:
        """Store that an action cannot go on by itself, or does so again; providers call it.

        Args:
            action_id: the action.
            details: why, in the service's shape: ``code``, ``description`` and what belongs to it.
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
        """Store a new run and begin it.

        Args:
            flow: the flow to run.
            request: body of the service's run request, its input checked already.
            request_id: name of the request; a repeated one gives the run that it has started.
            check: called in the transaction before a new run is stored; it may refuse by raising.
        """
        with self._store.transaction() as db:
            known = self._runs.find_by_request_id(db, request_id) if request_id else None
            if known is None and check is not None:
                check(db)
            run = known or create_run(db, self._runs, flow, request, request_id)
        self._wake(run.number)
        return run

    def retry_run(self, run_id: str, retry: Retry) -> Run:
        """Store a new run that goes on where an ended one failed, and begins it.

        Raises:
            NotFound: no run has this id.
            StateConflict: the run goes on, or it cannot be taken up like this.
        """
        with self._store.transaction() as db:
            run = create_retry_run(db, self._runs, run_id, retry, self._identity)
        self._wake(run.number)
        return run

    def cancel_run(self, run_id: str) -> Run:
        """End a run as FAILED with the code ``FlowCanceled``, and cancels its action.

        Raises:
            NotFound: no run has this id.
            StateConflict: the run has ended already.
        """
        with self._store.transaction() as db:
            run = self._open_run(db, run_id)
            effects = self._executor.cancel(db, run)
            run = self._runs.get(run_id, db)
        self._run_effects(effects)
        return run

    def resume_run(self, run_id: str) -> Run:
        """Ask a run's action to go on, and notes that in the run's log.

        Raises:
            NotFound: no run has this id.
            StateConflict: the run has ended already.
        """
        with self._store.transaction() as db:
            run = self._open_run(db, run_id)
            effects: list[Effect] = []
            parked = run.number in self._executor.parked
            try:
                effects = self._executor.resume(db, run)
            except Exception as error:
                if not parked or fault_of(error) is not StoreFault.RECORD:
                    raise
            self._held_runs.discard(run.number)
            if parked:
                self._executor.unpark(db, run.number)
            run = self._runs.get(run_id, db)
        self._run_effects(effects)
        self._wake(run.number)
        return run

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Return a write transaction of the store, in which no run moves."""
        return self._store.transaction()

    def progress(self, action: Action) -> Any:
        """Return an active action's progress, as far as its provider tells."""
        try:
            provider = self._registry.find(action.provider)
            return provider.progress(action.id) if provider is not None else None
        except Exception as error:
            logger.exception("the progress of action %s", action.id)
            return {"description": f"the progress is not known: {describe(error)}"}

    def _open_run(self, db: sqlite3.Connection, run_id: str) -> Run:
        run = self._runs.get(run_id, db)
        if run.status in TERMINAL:
            raise StateConflict(
                f"Run {run_id} has status '{run.status}' but must have status in "
                "{'ACTIVE', 'INACTIVE'} for requested operation"
            )
        return run

    def _deliver_result(self, action_id: str, result: ActionResult) -> None:
        def number_of_run() -> int | None:
            return self._actions.run_number(action_id)

        number = self._store.retry_while_unavailable(
            number_of_run, f"the end of action {action_id}"
        )
        if number is None:
            return
        own = threading.current_thread() is self._thread.thread
        done = None if own else threading.Event()
        if self._wake(number, end=(action_id, validate_result(result), done)) and done is not None:
            done.wait()

    def _wake(
        self,
        number: int,
        due: float | None = None,
        end: tuple[str, ActionResult, threading.Event | None] | None = None,
    ) -> bool:
        with self._condition:
            if self._stopping:
                return False
            signal = self._ready.get(number)
            if signal is None:
                signal = self._ready[number] = Wakeup()
            if due is not None:
                signal.due_times.append(due)
            if end is not None:
                signal.results.append(end)
            self._condition.notify()
        return True

    def _due(self, number: int, wake_at: float) -> None:
        self._wake(number, due=wake_at)

    def _notify(self) -> None:
        with self._condition:
            self._condition.notify()

    def _loop(self) -> None:
        while (batch := self._wait_for_work()) is not None:
            try:
                effects = self._advance_batch(batch)
            except sqlite3.Error as error:
                self._requeue(batch)
                if self._store.report_fault(error) is StoreFault.RECORD:
                    raise
                time.sleep(RETRY_SECONDS)
                continue
            except BaseException:
                self._requeue(batch)
                raise
            finally:
                self._current_run = None
            self._health.clear("engine")
            for signal in batch.values():
                self._release(signal)
            self._run_effects(effects)

    def _wait_for_work(self) -> dict[int, Wakeup] | None:
        while True:
            for key, fire in self._timers.pop_due():
                self._heartbeat.beat(f"the timer {key}")
                self._run_callback(key, fire)
            self._heartbeat.beat()
            with self._condition:
                if self._stopping:
                    return None
                if self._ready:
                    chosen = [*islice(self._ready, _BATCH_RUNS)]
                    return {number: self._ready.pop(number) for number in chosen}
                pause = self._timers.pause()
                if pause > 0:
                    self._condition.wait(pause)

    def _advance_batch(self, batch: Mapping[int, Wakeup], read_again: bool = True) -> list[Effect]:
        # What is wrong with one run must neither stop the others nor be done to them.
        try:
            with self._store.transaction() as db:
                return [
                    effect
                    for number, signal in batch.items()
                    for effect in self._advance_one(db, number, signal)
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
            single = [self._advance_batch({number: signal}) for number, signal in batch.items()]
            return [effect for effects in single for effect in effects]
        for number, signal in batch.items():
            self._park(number, signal, failure)
        return []

    def _advance_one(self, db: sqlite3.Connection, number: int, wakeup: Wakeup) -> list[Effect]:
        self._current_run = number
        self._heartbeat.beat(f"run number {number}")
        if number in self._held_runs:
            self._executor.park(db, number, wakeup, _STUCK)
            return []
        return self._executor.advance(db, number, wakeup)

    def _park(self, number: int, wakeup: Wakeup, failure: Exception) -> None:
        if not isinstance(failure, FacilityError):
            logger.error("run number %d cannot be advanced", number, exc_info=failure)
        with self._store.transaction() as db:
            self._executor.park(db, number, wakeup, reason_of(failure))
        self._timers.cancel(number)
        if isinstance(failure, OSError | MemoryError):
            # What was missing may be there later.
            times = self._park_counts[number] = self._park_counts.get(number, 0) + 1
            pause = min(_PARKED_PAUSE * 2 ** (times - 1), _LONGEST_PARKED_PAUSE)
            self._timers.call_after(number, pause, partial(self._retry_parked, number))

    def _retry_parked(self, number: int) -> None:
        self._wake(number)

    def _park_stuck(self) -> int | None:
        """Parks the run in which an earlier facility was stuck until it ended itself."""
        path = _stuck_path(self._store)
        try:
            number = int(path.read_text())
        except (OSError, ValueError):
            return None
        with self._store.transaction() as db:
            self._executor.park(db, number, Wakeup(), _STUCK)
        # Nothing but a person's word, or the next start, lets it have another turn.
        self._held_runs.add(number)
        path.unlink(missing_ok=True)
        return number

    def _note_stuck(self, doing: str) -> None:
        del doing
        number = self._current_run
        if number is not None:
            write_private(_stuck_path(self._store), str(number))

    @staticmethod
    def _release(wakeup: Wakeup) -> None:
        for done in wakeup.waiters():
            done.set()

    def _requeue(self, batch: Mapping[int, Wakeup]) -> None:
        with self._condition:
            for number, signal in batch.items():
                self._ready[number] = signal.merged(self._ready.get(number))

    def _after_advance(self, number: int, position: RunState) -> None:
        """Set the clock for a run whose turn is committed, or has it go on."""
        self._park_counts.pop(number, None)
        if position.phase == Phase.DONE:
            self._notify_listeners(number)
        if position.phase == Phase.ENTER:
            self._wake(number)
        elif position.wake_at is None:
            self._timers.cancel(number)
        else:
            fire = partial(self._due, number, position.wake_at)
            if position.seconds is None:
                self._timers.call_at(number, position.wake_at, fire)
            else:
                # A wall clock that was set back must not make a wait longer than it is.
                left = min(position.seconds, position.wake_at - time.time())
                self._timers.call_after(number, left, fire)

    def _notify_listeners(self, number: int) -> None:
        for place, listener in enumerate(self._listeners):
            key = ("ended", number, place)
            self._timers.call_after(key, 0.0, partial(self._notify_listener, number, listener))
        self._notify()

    def _notify_listener(self, number: int, listener: Callable[[str], None]) -> None:
        run = self._runs.find_by_number(self._store.reader(), number)
        if run is not None:
            listener(run.id)

    def _recover(self, action_id: str) -> None:
        """Take up an action that an earlier facility left open, or ends it with its run."""
        try:
            action = self._actions.get(action_id)
            waiting = action is not None and self._is_awaited(action)
        except Exception as error:
            if fault_of(error) is not StoreFault.RECORD:
                raise
            number = self._actions.run_number(action_id)
            if number is not None:
                self._park(number, Wakeup(), RunUnreadable(reason_of(error)))
            return
        if action is not None and waiting:
            self._begin_action(action)
        elif action is not None:
            # Its run was cancelled, or waited too long, at the moment of the facility's death.
            provider = self._registry.find(action.provider)
            if provider is not None:
                provider.cancel(action)
            details = {"code": "Canceled", "description": "the run does not wait for it any more"}
            self.finish_action(action.id, FAILED, details)

    def _is_awaited(self, action: Action) -> bool:
        with self._store.transaction() as db:
            run = self._runs.get(action.run_id, db)
            if run.status in TERMINAL:
                return False
            return self._runs.event_log.state(db, run.number).action_id == action.id

    def _begin_action(self, action: Action) -> None:
        try:
            provider = self._registry.find(action.provider)
            if provider is None:
                raise LookupError(f"this facility has no action provider {action.provider}")
            provider.begin(action)
        except Exception as error:
            if is_transient(error):
                raise
            logger.exception("action %s of %s", action.id, action.provider)
            description = f"the work could not be begun: {type(error).__name__}: {error}"
            details = {"code": "ActionProviderError", "description": description}
            self.finish_action(action.id, FAILED, details)

    def _run_effects(self, effects: Sequence[Callable[[], Any]]) -> None:
        for effect in effects:
            self._effect_count += 1
            self._run_callback(("effect", self._effect_count), effect)

    def _run_callback(self, key: Any, callback: Callable[[], Any]) -> None:
        """Do what is due; what raises is done again later, so that nothing is lost unseen."""
        try:
            callback()
        except Exception as error:
            if isinstance(error, sqlite3.Error):
                self._store.report_fault(error)
            times = self._failures[key] = self._failures.get(key, 0) + 1
            if times & (times - 1) == 0:
                logger.exception("%s, tried %d times", key, times)
            self._health.report(f"task {key}", f"tried {times} times: {describe(error)}")
            if key not in self._timers:
                pause = min(_FIRST_PAUSE * 2 ** min(times - 1, 16), _LONGEST_PAUSE)
                self._timers.call_after(key, pause, callback)
                self._notify()
        else:
            if self._failures.pop(key, 0):
                self._health.clear(f"task {key}")

    def _remove_old_runs(self) -> None:
        if self._retention is not None:
            self._timers.call_after(
                "retention", self._retention.remove_some(), self._remove_old_runs
            )


def _stuck_path(store: Store) -> Path:
    return store.path.with_name("stuck_run")
