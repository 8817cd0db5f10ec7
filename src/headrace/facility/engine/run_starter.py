"""Starts of runs that requests wait for: those that wait together share one commit."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from typing import Any, Final

from headrace.facility.engine.effects import Effect
from headrace.facility.engine.run_creation import NamedRequest, create_run, create_runs
from headrace.facility.engine.run_executor import RunExecutor
from headrace.facility.engine.wakeups import WakeupQueue
from headrace.facility.errors import FacilityStopping
from headrace.facility.store.database import Store
from headrace.facility.store.faults import StoreFault, fault_of
from headrace.facility.store.flows import StoredFlow
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import RunState, apply

# Starts that share a transaction at the most, so that none waits long for those beside it.
_BATCH_STARTS: Final = 100
# Runs of batches that are stored before any of them is advanced: as many as one request may have.
_UNADVANCED_RUNS: Final = 10_000

# Called once for all of a group whose answers return the same one, after the last of them.
Wake = Callable[[], None]
StartDone = Callable[["StartOutcome"], Wake | None]


@dataclass(frozen=True, slots=True)
class StartOutcome:
    """Outcome of a start.

    Attributes:
        run: the run; None where it was refused.
        error: why it was refused.
        is_new: False for a run that an earlier request of the same name has started.
    """

    run: Run | None = None
    error: Exception | None = None
    is_new: bool = True

    @property
    def stored_run(self) -> Run:
        """The run; raises why it was refused."""
        if self.run is None:
            raise self.error or _stopped()
        return self.run


StartsDone = Callable[[Sequence[StartOutcome]], Wake | None]
_Stored = tuple[list[StartOutcome], list[Effect]]
# Outcomes, each with the first state of a run that is new.
_Created = list[tuple[StartOutcome, RunState | None]]


@dataclass(frozen=True, slots=True)
class _WaitingBatch:
    flow: StoredFlow
    requests: Sequence[NamedRequest]
    done: StartsDone


@dataclass(frozen=True, slots=True)
class _WaitingStart:
    flow: StoredFlow
    request: Mapping[str, Any]
    request_id: str | None
    done: StartDone


class RunStarter:
    """Stores new runs and takes their first steps, on the engine's thread.

    A run and the steps that it can take at once are stored by one commit, and all starts that wait
    at the moment share it. One that fails is undone alone. Whoever asked is answered after the
    commit.

    Args:
        store: where runs are kept.
        runs: the runs.
        executor: takes the first steps.
        wakeups: the runs that are advanced in transactions of their own.
        run_effects: runs the effects of a committed transaction.
        beat: gives a sign of life, with what the thread does.
    """

    def __init__(
        self,
        store: Store,
        runs: RunTable,
        executor: RunExecutor,
        wakeups: WakeupQueue,
        run_effects: Callable[[Sequence[Effect]], None],
        beat: Callable[[str], None],
    ) -> None:
        self._store = store
        self._runs = runs
        self._executor = executor
        self._wakeups = wakeups
        self._run_effects = run_effects
        self._beat = beat
        self._lock = threading.Lock()
        self._waiting: deque[_WaitingStart] = deque()
        self._batches: deque[_WaitingBatch] = deque()
        self._closed = False
        # Runs of batches that are stored, and not advanced yet.
        self._stored: list[int] = []
        # False after a death in the first steps of a run that was not stored: runs are stored
        # before they are advanced then, so that the next death tells which of them it was.
        self.advances = True
        # True while the first steps of a run are taken that is not stored yet.
        self.is_advancing = False

    def __bool__(self) -> bool:
        """Say whether a start waits."""
        return bool(self._waiting or self._batches)

    def pause(self, otherwise: Callable[[], float]) -> float:
        """Return how long to wait before :meth:`start_waiting`: not at all where a start waits."""
        return 0.0 if self else otherwise()

    def add(
        self, flow: StoredFlow, request: Mapping[str, Any], request_id: str | None, done: StartDone
    ) -> None:
        """Have a run started.

        Args:
            flow: the flow to run.
            request: body of the service's run request, its input checked already.
            request_id: name of the request; a repeated one gives the run that it has started.
            done: called with the outcome by the engine's thread, which it must not block; what it
                returns is called once, when all that share the commit are answered.
        """
        with self._lock:
            if not self._closed:
                self._waiting.append(_WaitingStart(flow, request, request_id, done))
            closed = self._closed
        if closed:
            _wake([done(StartOutcome(error=_stopped()))])
        self._wakeups.notify()

    def add_batch(
        self, flow: StoredFlow, requests: Sequence[NamedRequest], done: StartsDone
    ) -> None:
        """Have many runs of one flow stored by one commit, to be advanced after it.

        Args:
            flow: the flow to run.
            requests: bodies of run requests, their inputs checked already, with their names.
            done: called with the outcomes, in this order, by the engine's thread.
        """
        with self._lock:
            if not self._closed:
                self._batches.append(_WaitingBatch(flow, requests, done))
            closed = self._closed
        if closed:
            _wake([done([StartOutcome(error=_stopped())] * len(requests))])
        self._wakeups.notify()

    def start(
        self,
        flow: StoredFlow,
        request: Mapping[str, Any],
        request_id: str | None,
        check: Callable[[sqlite3.Connection], None] | None,
    ) -> Run:
        """Start a run in a transaction of its own, on any thread.

        Args:
            flow: as for :meth:`add`.
            request: likewise.
            request_id: likewise.
            check: called in the transaction before a new run is stored; it may refuse by raising.
        """
        with self._store.transaction() as db:
            run = self._runs.find_by_request_id(db, request_id) if request_id else None
            if run is None:
                if check is not None:
                    check(db)
                run, _ = create_run(db, self._runs, flow, request, request_id)
        self._wakeups.add(run.number)
        return run

    def close(self) -> None:
        """Refuse all starts that wait, and later ones."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, deque()
            batches, self._batches = self._batches, deque()
        refused = StartOutcome(error=_stopped())
        _wake(batch.done([refused] * len(batch.requests)) for batch in batches)
        _wake(start.done(refused) for start in waiting)

    def start_waiting(self) -> None:
        """Start the runs that wait, and answer for each; one batch, so that others have a turn."""
        self._start_single()
        with self._lock:
            batch = self._batches.popleft() if self._batches else None
        if batch is not None:
            self._start_batch(batch)

    def _start_batch(self, batch: _WaitingBatch) -> None:
        self._beat(f"a batch of {len(batch.requests)} starts of runs")
        store = partial(self._store_batch, batch)
        outcomes, _ = self._store_starts(store, len(batch.requests), batch.done)
        self._stored += [one.run.number for one in outcomes if one.run is not None and one.is_new]
        if not self._batches or len(self._stored) >= _UNADVANCED_RUNS:
            # What belongs to one request is stored before the first of its runs is advanced, but
            # other batches that keep coming do not hold up runs without end.
            for number in self._stored:
                self._wakeups.add(number)
            self._stored.clear()
        _wake([batch.done(outcomes)])

    def _start_single(self) -> None:
        with self._lock:
            starts = [*islice(self._waiting, _BATCH_STARTS)]
            for _ in starts:
                self._waiting.popleft()
        if not starts:
            return
        self._beat(f"{len(starts)} starts of runs")

        def answer(outcomes: Sequence[StartOutcome]) -> None:
            _wake(start.done(one) for start, one in zip(starts, outcomes, strict=True))

        store = partial(self._start_together, starts)
        outcomes, effects = self._store_starts(store, len(starts), answer)
        answer(outcomes)
        self._run_effects(effects)

    def _store_starts(
        self,
        store: Callable[[bool], _Stored],
        count: int,
        answer: Callable[[Sequence[StartOutcome]], object],
    ) -> _Stored:
        """Store runs in one transaction; where one of them fails, once more with each isolated.

        Args:
            store: called with whether each run is in a savepoint, by which a failure undoes it
                alone. SQLite writes what a savepoint may bring back to a file, so that is a second
                attempt.
            count: how many runs there are.
            answer: called with a refusal of each where the engine's thread is to end.

        Returns:
            Their outcomes, and the effects to be run; none where nothing could be stored.
        """
        try:
            try:
                return store(False)
            except Exception as error:
                if not _is_of_one_run(error):
                    raise
                return store(True)
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            if isinstance(error, sqlite3.Error):
                self._store.report_fault(error)
            return [StartOutcome(error=error)] * count, []
        except BaseException:
            answer([StartOutcome(error=_stopped())] * count)
            raise

    def _store_batch(self, batch: _WaitingBatch, isolated: bool) -> _Stored:
        with self._store.transaction() as db:
            if not isolated:
                stored = create_runs(db, self._runs, batch.flow, batch.requests)
                return [StartOutcome(run, is_new=event is not None) for run, event in stored], []
            outcomes = [
                self._create_isolated(db, batch.flow, request, request_id)[0]
                for request, request_id in batch.requests
            ]
        return outcomes, []

    def _start_together(self, starts: Sequence[_WaitingStart], isolated: bool) -> _Stored:
        effects: list[Effect] = []
        with self._store.transaction() as db:
            if isolated:
                created = [
                    self._create_isolated(db, start.flow, start.request, start.request_id)
                    for start in starts
                ]
            else:
                created = self._create_together(db, starts)
            for outcome, state in created:
                run = outcome.run
                if run is None or state is None:
                    continue
                if not (self.advances and self._advance(db, run, state, effects, isolated)):
                    self._store.after_commit(partial(self._wakeups.add, run.number))
        return [outcome for outcome, _ in created], effects

    def _create_together(self, db: sqlite3.Connection, starts: Sequence[_WaitingStart]) -> _Created:
        created: _Created = []
        for _, same in groupby(starts, key=lambda start: id(start.flow)):
            group = [*same]
            requests = [(start.request, start.request_id) for start in group]
            for run, event in create_runs(db, self._runs, group[0].flow, requests):
                state = apply(None, event) if event is not None else None
                created.append((StartOutcome(run, is_new=event is not None), state))
        return created

    def _create_isolated(
        self,
        db: sqlite3.Connection,
        flow: StoredFlow,
        request: Mapping[str, Any],
        request_id: str | None,
    ) -> tuple[StartOutcome, RunState | None]:
        """Store one run; what it fails by is undone, and is its outcome."""
        try:
            with self._store.savepoint():
                known = self._runs.find_by_request_id(db, request_id) if request_id else None
                if known is not None:
                    return StartOutcome(known, is_new=False), None
                run, state = create_run(db, self._runs, flow, request, request_id)
                return StartOutcome(run), state
        except Exception as error:
            # SQLite may have undone all of the transaction, with the savepoints in it.
            if not (_is_of_one_run(error) and db.in_transaction):
                raise
            return StartOutcome(error=error), None

    def _advance(
        self,
        db: sqlite3.Connection,
        run: Run,
        state: RunState,
        effects: list[Effect],
        isolated: bool,
    ) -> bool:
        self._beat(f"the first steps of run {run.id}")
        self.is_advancing = True
        try:
            with self._store.savepoint() if isolated else nullcontext():
                effects += self._executor.advance_new(db, run, state)
        except Exception as error:
            # SQLite may have undone all of the transaction, with the savepoints in it.
            if not (isolated and _is_of_one_run(error) and db.in_transaction):
                raise
            # It is advanced once more in a transaction of its own, which parks it if it must be.
            return False
        finally:
            self.is_advancing = False
        return True


def _wake(wakes: Iterable[Wake | None]) -> None:
    for wake in {*wakes} - {None}:
        if wake is not None:
            wake()


def _is_of_one_run(error: Exception) -> bool:
    return not isinstance(error, sqlite3.Error) or fault_of(error) is StoreFault.RECORD


def _stopped() -> FacilityStopping:
    return FacilityStopping("the facility is being stopped; start the run again when it is up")
