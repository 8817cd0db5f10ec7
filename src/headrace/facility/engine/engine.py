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
from headrace.facility.engine.parking import Parking, reason_of
from headrace.facility.engine.provider_registry import Directory
from headrace.facility.engine.retention import RETENTION_DAYS, Retention
from headrace.facility.engine.run_creation import begin_run
from headrace.facility.engine.run_executor import Effect, Signal, Turns
from headrace.facility.engine.run_retry import Retry, begin_retry
from headrace.facility.engine.timers import Timers
from headrace.facility.errors import FacilityError, RunUnreadable, StateConflict
from headrace.facility.identity import Identity
from headrace.facility.store.actions import FAILED, Action, Actions, Answer, Provider, sound
from headrace.facility.store.database import RETRY_SECONDS, Store
from headrace.facility.store.event_log import Journal
from headrace.facility.store.faults import StoreFault, fault_of, is_passing
from headrace.facility.store.flows import StoredFlow
from headrace.facility.store.runs import Run, Runs
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
        states_per_turn: states after which a run that never waits leaves others their turn.
        health: told of what does not go as it should; the store's by default.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        retention_days: float | None = RETENTION_DAYS,
        states_per_turn: int = MAX_STATES_PER_ADVANCE,
        health: Health | None = None,
    ) -> None:
        self._health = health or store.health
        self._store = store
        self._identity = identity
        self._runs = Runs(store, Journal(store))
        self._actions = Actions(store)
        self._directory = Directory()
        self._timers = Timers()
        self._turns = Turns(
            self._runs,
            self._actions,
            self._directory,
            identity,
            self._begin,
            self._settle,
            self._tell_listeners,
            states_per_turn,
        )
        self._retention = (
            None if retention_days is None else Retention(self._runs, retention_days, self._health)
        )
        # How often in a row something failed, by the key of its timer.
        self._failures: dict[Any, int] = {}
        self._held: set[int] = set()
        self._parkings: dict[int, int] = {}
        self._effects = 0
        self._at_work: int | None = None
        self._heartbeat = Heartbeat("engine", hopeless=self._note_stuck)
        self._condition = threading.Condition()
        self._ready: dict[int, Signal] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._stopping = False
        self._thread = SupervisedThread("engine", self._loop, self._health)
        self._heartbeat.thread = self._thread.thread

    @property
    def parked(self) -> int:
        """How many runs are parked."""
        return len(self._turns.parked)

    def start(self, providers: Sequence[Provider]) -> None:
        """Take up every open run and action, and begin to work."""
        self._directory.use(providers)
        self._turns.parked |= Parking.numbers(self._runs.reader())
        stuck = self._park_stuck()
        for number, _ in self._runs.open():
            if number != stuck:
                self._signal(number)
        self._thread.start()
        self._health.watch(self._heartbeat)
        for action_id in self._actions.open_ids():
            self._do([partial(self._recover, action_id)])
        if self._retention is not None:
            self._timers.after("retention", 0.0, self._retire)
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

    def later(self, key: str, seconds: float, fire: Callable[[], None]) -> None:
        """Has something done by the engine's thread, which it must not hold up.

        What raises is done again, after longer and longer pauses, until it does not.

        Args:
            key: what it is for; a later call with the same key takes the place of an earlier one.
            seconds: from now on.
            fire: what is done.
        """
        self._timers.after(key, seconds, fire)
        self._notify()

    def finish_action(self, action_id: str, status: str, details: Any) -> None:
        """Store the end of an action and goes on with its run; providers call it.

        It returns when the end is stored; called by the engine's own thread it returns at once.
        An action that has ended already stays as it is.
        """
        self._tell(action_id, Answer(status, details))

    def when_ended(self, listener: Callable[[str], None]) -> None:
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
        self._tell(action_id, Answer("INACTIVE" if blocked else "ACTIVE", details))

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
            known = self._runs.requested(db, request_id) if request_id else None
            if known is None and check is not None:
                check(db)
            run = known or begin_run(db, self._runs, flow, request, request_id)
        self._signal(run.number)
        return run

    def retry_run(self, run_id: str, retry: Retry) -> Run:
        """Store a new run that goes on where an ended one failed, and begins it.

        Raises:
            NotFound: no run has this id.
            StateConflict: the run goes on, or it cannot be taken up like this.
        """
        with self._store.transaction() as db:
            run = begin_retry(db, self._runs, run_id, retry, self._identity)
        self._signal(run.number)
        return run

    def cancel_run(self, run_id: str) -> Run:
        """End a run as FAILED with the code ``FlowCanceled``, and cancels its action.

        Raises:
            NotFound: no run has this id.
            StateConflict: the run has ended already.
        """
        with self._store.transaction() as db:
            run = self._open_run(db, run_id)
            effects = self._turns.cancel(db, run)
            run = self._runs.get(run_id, db)
        self._do(effects)
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
            parked = run.number in self._turns.parked
            try:
                effects = self._turns.resume(db, run)
            except Exception as error:
                if not parked or fault_of(error) is not StoreFault.RECORD:
                    raise
            self._held.discard(run.number)
            if parked:
                self._turns.unpark(db, run.number)
            run = self._runs.get(run_id, db)
        self._do(effects)
        self._signal(run.number)
        return run

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Return a write transaction of the store, in which no run moves."""
        return self._store.transaction()

    def progress(self, action: Action) -> Any:
        """Return an active action's progress, as far as its provider tells."""
        try:
            provider = self._directory.find(action.provider)
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

    def _tell(self, action_id: str, answer: Answer) -> None:
        def number_of_run() -> int | None:
            return self._actions.run_number(action_id)

        number = self._store.patiently(number_of_run, f"the end of action {action_id}")
        if number is None:
            return
        own = threading.current_thread() is self._thread.thread
        done = None if own else threading.Event()
        if self._signal(number, end=(action_id, sound(answer), done)) and done is not None:
            done.wait()

    def _signal(
        self,
        number: int,
        due: float | None = None,
        end: tuple[str, Answer, threading.Event | None] | None = None,
    ) -> bool:
        with self._condition:
            if self._stopping:
                return False
            signal = self._ready.get(number)
            if signal is None:
                signal = self._ready[number] = Signal()
            if due is not None:
                signal.due.append(due)
            if end is not None:
                signal.ends.append(end)
            self._condition.notify()
        return True

    def _due(self, number: int, wake_at: float) -> None:
        self._signal(number, due=wake_at)

    def _notify(self) -> None:
        with self._condition:
            self._condition.notify()

    def _loop(self) -> None:
        while (batch := self._wait_for_work()) is not None:
            try:
                effects = self._isolated(batch)
            except sqlite3.Error as error:
                self._put_back(batch)
                if self._store.fault(error) is StoreFault.RECORD:
                    raise
                time.sleep(RETRY_SECONDS)
                continue
            except BaseException:
                self._put_back(batch)
                raise
            finally:
                self._at_work = None
            self._health.clear("engine")
            for signal in batch.values():
                self._release(signal)
            self._do(effects)

    def _wait_for_work(self) -> dict[int, Signal] | None:
        while True:
            for key, fire in self._timers.due():
                self._heartbeat.beat(f"the timer {key}")
                self._fire(key, fire)
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

    def _isolated(self, batch: Mapping[int, Signal], read_again: bool = True) -> list[Effect]:
        # What is wrong with one run must neither stop the others nor be done to them.
        try:
            with self._store.transaction() as db:
                return [
                    effect
                    for number, signal in batch.items()
                    for effect in self._turn(db, number, signal)
                ]
        except sqlite3.IntegrityError as error:
            failure: Exception = error
            if read_again:
                logger.error("runs were changed by somebody else, reading them again: %s", error)
                for number in batch:
                    self._runs.journal.forget(number)
                return self._isolated(batch, read_again=False)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and fault_of(error) is not StoreFault.RECORD:
                raise
            failure = error
        if len(batch) > 1:
            single = [self._isolated({number: signal}) for number, signal in batch.items()]
            return [effect for effects in single for effect in effects]
        for number, signal in batch.items():
            self._park(number, signal, failure)
        return []

    def _turn(self, db: sqlite3.Connection, number: int, signal: Signal) -> list[Effect]:
        self._at_work = number
        self._heartbeat.beat(f"run number {number}")
        if number in self._held:
            self._turns.park(db, number, signal, _STUCK)
            return []
        return self._turns.turn(db, number, signal)

    def _park(self, number: int, signal: Signal, failure: Exception) -> None:
        if not isinstance(failure, FacilityError):
            logger.error("run number %d cannot be advanced", number, exc_info=failure)
        with self._store.transaction() as db:
            self._turns.park(db, number, signal, reason_of(failure))
        self._timers.cancel(number)
        if isinstance(failure, OSError | MemoryError):
            # What was missing may be there later.
            times = self._parkings[number] = self._parkings.get(number, 0) + 1
            pause = min(_PARKED_PAUSE * 2 ** (times - 1), _LONGEST_PARKED_PAUSE)
            self._timers.after(number, pause, partial(self._go_on, number))

    def _go_on(self, number: int) -> None:
        self._signal(number)

    def _park_stuck(self) -> int | None:
        """Parks the run in which an earlier facility was stuck until it ended itself."""
        path = _stuck_path(self._store)
        try:
            number = int(path.read_text())
        except (OSError, ValueError):
            return None
        with self._store.transaction() as db:
            self._turns.park(db, number, Signal(), _STUCK)
        # Nothing but a person's word, or the next start, lets it have another turn.
        self._held.add(number)
        path.unlink(missing_ok=True)
        return number

    def _note_stuck(self, doing: str) -> None:
        del doing
        number = self._at_work
        if number is not None:
            write_private(_stuck_path(self._store), str(number))

    @staticmethod
    def _release(signal: Signal) -> None:
        for done in signal.waiting():
            done.set()

    def _put_back(self, batch: Mapping[int, Signal]) -> None:
        with self._condition:
            for number, signal in batch.items():
                self._ready[number] = signal.joined(self._ready.get(number))

    def _settle(self, number: int, position: RunState) -> None:
        """Set the clock for a run whose turn is committed, or has it go on."""
        self._parkings.pop(number, None)
        if position.phase == Phase.DONE:
            self._tell_listeners(number)
        if position.phase == Phase.ENTER:
            self._signal(number)
        elif position.wake_at is None:
            self._timers.cancel(number)
        else:
            fire = partial(self._due, number, position.wake_at)
            if position.seconds is None:
                self._timers.at(number, position.wake_at, fire)
            else:
                # A wall clock that was set back must not make a wait longer than it is.
                left = min(position.seconds, position.wake_at - time.time())
                self._timers.after(number, left, fire)

    def _tell_listeners(self, number: int) -> None:
        for place, listener in enumerate(self._listeners):
            key = ("ended", number, place)
            self._timers.after(key, 0.0, partial(self._tell_end, number, listener))
        self._notify()

    def _tell_end(self, number: int, listener: Callable[[str], None]) -> None:
        run = self._runs.find(self._store.reader(), number)
        if run is not None:
            listener(run.id)

    def _recover(self, action_id: str) -> None:
        """Take up an action that an earlier facility left open, or ends it with its run."""
        try:
            action = self._actions.get(action_id)
            waiting = action is not None and self._waits_for(action)
        except Exception as error:
            if fault_of(error) is not StoreFault.RECORD:
                raise
            number = self._actions.run_number(action_id)
            if number is not None:
                self._park(number, Signal(), RunUnreadable(reason_of(error)))
            return
        if action is not None and waiting:
            self._begin(action)
        elif action is not None:
            # Its run was cancelled, or waited too long, at the moment of the facility's death.
            provider = self._directory.find(action.provider)
            if provider is not None:
                provider.cancel(action)
            details = {"code": "Canceled", "description": "the run does not wait for it any more"}
            self.finish_action(action.id, FAILED, details)

    def _waits_for(self, action: Action) -> bool:
        with self._store.transaction() as db:
            run = self._runs.get(action.run_id, db)
            if run.status in TERMINAL:
                return False
            return self._runs.journal.position(db, run.number).action_id == action.id

    def _begin(self, action: Action) -> None:
        try:
            provider = self._directory.find(action.provider)
            if provider is None:
                raise LookupError(f"this facility has no action provider {action.provider}")
            provider.begin(action)
        except Exception as error:
            if is_passing(error):
                raise
            logger.exception("action %s of %s", action.id, action.provider)
            description = f"the work could not be begun: {type(error).__name__}: {error}"
            details = {"code": "ActionProviderError", "description": description}
            self.finish_action(action.id, FAILED, details)

    def _do(self, effects: Sequence[Callable[[], Any]]) -> None:
        for effect in effects:
            self._effects += 1
            self._fire(("effect", self._effects), effect)

    def _fire(self, key: Any, fire: Callable[[], Any]) -> None:
        """Do what is due; what raises is done again later, so that nothing is lost unseen."""
        try:
            fire()
        except Exception as error:
            if isinstance(error, sqlite3.Error):
                self._store.fault(error)
            times = self._failures[key] = self._failures.get(key, 0) + 1
            if times & (times - 1) == 0:
                logger.exception("%s, tried %d times", key, times)
            self._health.report(f"task {key}", f"tried {times} times: {describe(error)}")
            if key not in self._timers:
                pause = min(_FIRST_PAUSE * 2 ** min(times - 1, 16), _LONGEST_PAUSE)
                self._timers.after(key, pause, fire)
                self._notify()
        else:
            if self._failures.pop(key, 0):
                self._health.clear(f"task {key}")

    def _retire(self) -> None:
        if self._retention is not None:
            self._timers.after("retention", self._retention.remove_some(), self._retire)


def _stuck_path(store: Store) -> Path:
    return store.path.with_name("stuck_run")
