"""Changes of runs that people ask for: retried, cancelled, resumed, held."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from headrace._internal.clock import now
from headrace.facility.engine.effects import Effect, EffectRunner
from headrace.facility.engine.run_executor import RunExecutor
from headrace.facility.engine.run_parking import RunParking
from headrace.facility.engine.run_retry import Retry, create_retry_run
from headrace.facility.engine.wakeups import WakeupQueue
from headrace.facility.errors import FacilityError, NotFound, StateConflict
from headrace.facility.identity import Identity
from headrace.facility.store.database import Store
from headrace.facility.store.faults import StoreFault, fault_of
from headrace.facility.store.run_record import HELD_AT, Run
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import TERMINAL


class RunChanges:
    """Changes runs, each change in a transaction of its own; any thread may call it.

    Args:
        store: where runs are kept.
        runs: the runs.
        executor: cancels and resumes them.
        parking: lets a parked run be advanced again.
        effects: runs what must happen after a commit.
        wakeups: the runs to advance.
        identity: who runs are started by.
    """

    def __init__(
        self,
        store: Store,
        runs: RunTable,
        executor: RunExecutor,
        parking: RunParking,
        effects: EffectRunner,
        wakeups: WakeupQueue,
        identity: Identity,
    ) -> None:
        self._store = store
        self._runs = runs
        self._executor = executor
        self._parking = parking
        self._effects = effects
        self._wakeups = wakeups
        self._identity = identity

    def retry_run(self, run_id: str, retry: Retry) -> Run:
        """Store a new run that continues where an ended one failed, and start it.

        Raises:
            NotFound: no run has this id.
            StateConflict: the run goes on, or it cannot be retried like this.
        """
        with self._store.transaction() as db:
            run = create_retry_run(db, self._runs, run_id, retry, self._identity)
        self._wakeups.add(run.number)
        return run

    def cancel_run(self, run_id: str) -> Run:
        """End a run as FAILED with the code ``FlowCanceled``, and cancel its action.

        Raises:
            NotFound: no run has this id.
            StateConflict: the run has ended already.
        """
        if isinstance(outcome := self.cancel_runs([run_id])[run_id], FacilityError):
            raise outcome
        return outcome

    def cancel_runs(self, run_ids: Sequence[str]) -> dict[str, Run | FacilityError]:
        """Cancel runs in one transaction, each as `cancel_run`; return the run or the refusal."""
        outcomes, effects = dict[str, Run | FacilityError](), list[Effect]()
        with self._store.transaction() as db:
            for run_id in dict.fromkeys(run_ids):
                try:
                    run = self._open_run(db, run_id)
                except (NotFound, StateConflict) as error:
                    outcomes[run_id] = error
                else:
                    effects += self._executor.cancel(db, run)
                    self._parking.resume(run.number)  # the number may be given again
                    outcomes[run_id] = self._runs.get(run_id, db)
        self._effects.run_all(effects)
        return outcomes

    def set_held(self, run_ids: Sequence[str], held: bool) -> None:
        """Hold runs, which end their present state and enter no further one, or release them.

        One that has ended, or is not there, stays as it is; one that is held already stays held
        since then.

        Args:
            run_ids: the runs.
            held: whether they are held from now on.
        """
        released = []
        with self._store.transaction() as db:
            for run_id in dict.fromkeys(run_ids):
                try:
                    run = self._open_run(db, run_id)
                except (NotFound, StateConflict):
                    continue
                if (run.held_at is not None) != held:
                    self._runs.update(run_id, {HELD_AT: now() if held else None})
                    released += [] if held else [run.number]
        for number in released:
            self._wakeups.add(number)

    def resume_run(self, run_id: str) -> Run:
        """Have a run's action try again, and record that in the run's log.

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
            self._parking.resume(run.number)
            if parked:
                self._executor.unpark(db, run.number)
            run = self._runs.get(run_id, db)
        self._effects.run_all(effects)
        self._wakeups.add(run.number)
        return run

    def _open_run(self, db: sqlite3.Connection, run_id: str) -> Run:
        run = self._runs.get(run_id, db)
        if run.status in TERMINAL:
            raise StateConflict(
                f"Run {run_id} has status '{run.status}' but must have status in "
                "{'ACTIVE', 'INACTIVE'} for requested operation"
            )
        return run
