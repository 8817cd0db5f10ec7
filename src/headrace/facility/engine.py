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
from functools import partial
from itertools import islice
from typing import Any, Final

from headrace.facility.actions import FAILED, Action, Actions, Answer, Provider, sound
from headrace.facility.directory import Directory
from headrace.facility.errors import StateConflict
from headrace.facility.flows import StoredFlow
from headrace.facility.identity import Identity
from headrace.facility.journal import Journal
from headrace.facility.retries import Retry, begin_retry
from headrace.facility.runs import Run, Runs
from headrace.facility.starts import begin_run
from headrace.facility.store import RETRY_SECONDS, Store
from headrace.facility.timers import Timers
from headrace.facility.turns import Effect, Signal, Turns
from headrace.flowlang.runs import STATES_PER_TURN, TERMINAL, Phase, Position, written

logger = logging.getLogger(__name__)

# Runs that share a transaction at the most, so that memory does not grow with their number.
_BATCH_RUNS: Final = 500
_RETIRE_EVERY_SECONDS: Final = 3600.0
_RETIRE_AT_ONCE: Final = 200
_DAY_SECONDS: Final = 86_400.0
# The hosted service keeps records of runs for so long after their end.
RETENTION_DAYS: Final = 90.0


class Engine:
    """Executes runs.

    Args:
        store: where runs are kept.
        identity: who runs are started by.
        retention_days: days after which the record of an ended run is removed; None keeps all.
        states_per_turn: states after which a run that never waits leaves others their turn.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        retention_days: float | None = RETENTION_DAYS,
        states_per_turn: int = STATES_PER_TURN,
    ) -> None:
        self._store = store
        self._identity = identity
        self._retention_days = retention_days
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
            states_per_turn,
        )
        self._condition = threading.Condition()
        self._ready: dict[int, Signal] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)

    def start(self, providers: Sequence[Provider]) -> None:
        """Takes up every open run and action, and begins to work."""
        self._directory.use(providers)
        for number, _ in self._runs.open():
            self._signal(number)
        self._thread.start()
        for action in self._actions.open():
            self._begin(action)
        if self._retention_days is not None:
            self._timers.after("retention", 0.0, self._retire)
            self._notify()

    def stop(self) -> None:
        """Ends after the present transaction; open runs go on at the next start."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join()
        for signal in self._ready.values():
            self._release(signal)

    def later(self, key: str, seconds: float, fire: Callable[[], None]) -> None:
        """Has something done by the engine's thread, which it must not hold up.

        Args:
            key: what it is for; a later call with the same key takes the place of an earlier one.
            seconds: from now on.
            fire: what is done.
        """
        self._timers.after(key, seconds, fire)
        self._notify()

    def finish_action(self, action_id: str, status: str, details: Any) -> None:
        """Stores the end of an action and goes on with its run; providers call it.

        It returns when the end is stored; called by the engine's own thread it returns at once.
        An action that has ended already stays as it is.
        """
        self._tell(action_id, Answer(status, details))

    def when_ended(self, listener: Callable[[str], None]) -> None:
        """Has a function called with the id of every run that ends, by the engine's thread."""
        self._listeners.append(listener)

    def block_action(self, action_id: str, details: Any, blocked: bool = True) -> None:
        """Stores that an action cannot go on by itself, or does so again; providers call it.

        Args:
            action_id: the action.
            details: why, in the service's shape: ``code``, ``description`` and what belongs to it.
            blocked: whether it is blocked.
        """
        self._tell(action_id, Answer("INACTIVE" if blocked else "ACTIVE", details))

    def start_run(
        self, flow: StoredFlow, request: Mapping[str, Any], request_id: str | None = None
    ) -> Run:
        """Stores a new run and begins it.

        Args:
            flow: the flow to run.
            request: body of the service's run request, its input checked already.
            request_id: name of the request; a repeated one gives the run that it has started.
        """
        with self._store.transaction() as db:
            known = self._runs.requested(db, request_id) if request_id else None
            run = known or begin_run(db, self._runs, flow, request, request_id)
        self._signal(run.number)
        return run

    def retry_run(self, run_id: str, retry: Retry) -> Run:
        """Stores a new run that goes on where an ended one failed, and begins it.

        Raises:
            NotFound: no run has this id.
            StateConflict: the run goes on, or it cannot be taken up like this.
        """
        with self._store.transaction() as db:
            run = begin_retry(db, self._runs, run_id, retry, self._identity)
        self._signal(run.number)
        return run

    def cancel_run(self, run_id: str) -> Run:
        """Ends a run as FAILED with the code ``FlowCanceled``, and cancels its action.

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
        """Asks a run's action to go on, and notes that in the run's log.

        Raises:
            NotFound: no run has this id.
            StateConflict: the run has ended already.
        """
        with self._store.transaction() as db:
            run = self._open_run(db, run_id)
            effects = self._turns.resume(db, run)
        self._do(effects)
        self._signal(run.number)
        return run

    def progress(self, action: Action) -> Any:
        """Returns an active action's progress, as far as its provider tells."""
        provider = self._directory.find(action.provider)
        return provider.progress(action.id) if provider is not None else None

    def _open_run(self, db: sqlite3.Connection, run_id: str) -> Run:
        run = self._runs.get(run_id, db)
        if run.status in TERMINAL:
            raise StateConflict(
                f"Run {run_id} has status '{run.status}' but must have status in "
                "{'ACTIVE', 'INACTIVE'} for requested operation"
            )
        return run

    def _tell(self, action_id: str, answer: Answer) -> None:
        action = self._actions.get(action_id)
        if action is None:
            return
        run = self._runs.get(action.run_id)
        own = threading.current_thread() is self._thread
        done = None if own else threading.Event()
        if self._signal(run.number, end=(action_id, sound(answer), done)) and done is not None:
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
        complained = False
        while (batch := self._wait_for_work()) is not None:
            try:
                effects = self._isolated(batch)
            except sqlite3.OperationalError as error:
                if not complained:
                    logger.error("the store cannot be written, trying again and again: %s", error)
                complained = True
                self._put_back(batch)
                continue
            if complained:
                logger.info("the store can be written again")
            complained = False
            for signal in batch.values():
                self._release(signal)
            self._do(effects)

    def _wait_for_work(self) -> dict[int, Signal] | None:
        while True:
            for fire in self._timers.due():
                self._do([fire])
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
        # A fault of ours in one run must neither stop the others nor leave this one open.
        try:
            with self._store.transaction() as db:
                return [
                    effect
                    for number, signal in batch.items()
                    for effect in self._turns.turn(db, number, signal)
                ]
        except sqlite3.OperationalError:
            raise
        except sqlite3.IntegrityError as error:
            if read_again:
                logger.error("runs were changed by somebody else, reading them again: %s", error)
                for number in batch:
                    self._runs.journal.forget(number)
                return self._isolated(batch, read_again=False)
            logger.exception("a turn of %d runs", len(batch))
        except Exception:
            logger.exception("a turn of %d runs", len(batch))
        if len(batch) > 1:
            single = [self._isolated({number: signal}) for number, signal in batch.items()]
            return [effect for effects in single for effect in effects]
        with self._store.transaction() as db:
            return [e for number in batch for e in self._turns.give_up(db, number)]

    @staticmethod
    def _release(signal: Signal) -> None:
        for done in signal.waiting():
            done.set()

    def _put_back(self, batch: Mapping[int, Signal]) -> None:
        time.sleep(RETRY_SECONDS)
        with self._condition:
            for number, signal in batch.items():
                self._ready[number] = signal.joined(self._ready.get(number))

    def _settle(self, number: int, position: Position) -> None:
        """Sets the clock for a run whose turn is committed, or has it go on."""
        if position.phase == Phase.DONE and self._listeners:
            self._timers.after(("ended", number), 0.0, partial(self._tell_end, number))
            self._notify()
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

    def _tell_end(self, number: int) -> None:
        run = self._runs.find(self._store.reader(), number)
        for listener in self._listeners:
            if run is not None:
                listener(run.id)

    def _begin(self, action: Action) -> None:
        try:
            provider = self._directory.find(action.provider)
            if provider is None:
                raise LookupError(f"this facility has no action provider {action.provider}")
            provider.begin(action)
        except Exception as error:
            logger.exception("action %s of %s", action.id, action.provider)
            description = f"the work could not be begun: {type(error).__name__}: {error}"
            details = {"code": "ActionProviderError", "description": description}
            self.finish_action(action.id, FAILED, details)

    def _do(self, effects: Sequence[Callable[[], Any]]) -> None:
        for effect in effects:
            try:
                effect()
            except Exception:
                logger.exception("after a turn")

    def _retire(self) -> None:
        days = self._retention_days or 0.0
        removed = self._runs.delete_ended(
            written(time.time() - days * _DAY_SECONDS), _RETIRE_AT_ONCE
        )
        pause = 0.0 if removed == _RETIRE_AT_ONCE else _RETIRE_EVERY_SECONDS
        self._timers.after("retention", pause, self._retire)
