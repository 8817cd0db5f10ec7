"""Execution of one run, inside the store's transaction."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from functools import partial

from headrace._internal.timestamps import format_timestamp
from headrace.facility.engine.effects import Effect
from headrace.facility.engine.provider_registry import ProviderRegistry
from headrace.facility.engine.wakeups import Wakeup
from headrace.facility.errors import ActionRejected
from headrace.facility.identity import Identity
from headrace.facility.store.actions import (
    ACTIVE,
    INACTIVE,
    REFUSED,
    Action,
    ActionResult,
    ActionTable,
    validate_result,
)
from headrace.facility.store.core_hours import add_core_hours
from headrace.facility.store.event_queue import EventQueue
from headrace.facility.store.faults import StoreFault, fault_of
from headrace.facility.store.parked_runs import (
    ParkedRuns,
    canceled_details,
    parked_details,
    reason_of,
)
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from headrace.flowlang import CallAction
from headrace.flowlang.runs import (
    Accepted,
    Event,
    EventKind,
    Phase,
    Refused,
    RunState,
    RunStepper,
)

logger = logging.getLogger(__name__)


class RunExecutor:
    """Advances, cancels, resumes and parks single runs.

    Each method works in the given transaction; what must happen after its commit, such as the
    beginning of an action's work, is returned as a list of effects.

    Args:
        runs: the runs.
        actions: their actions.
        registry: the action providers.
        identity: who runs are started by.
        begin_action: begins an action's work.
        on_advanced: called with the record and the new state of every run that was advanced, right
            after the commit.
        on_ended: called with the record of a run that ended though it cannot be read, likewise.
        max_states: states after which a run lets others go on.
        queue: where what happened to runs is handed on.
    """

    def __init__(
        self,
        runs: RunTable,
        actions: ActionTable,
        registry: ProviderRegistry,
        identity: Identity,
        begin_action: Callable[[Action], None],
        on_advanced: Callable[[Run, RunState], None],
        on_ended: Callable[[Run], None],
        max_states: int,
        queue: EventQueue,
    ) -> None:
        self.parked: set[int] = set()
        self._on_ended = on_ended
        self._queue = queue
        self._runs = runs
        self._actions = actions
        self._registry = registry
        self._identity = identity
        self._begin_action = begin_action
        self._on_advanced = on_advanced
        self._max_states = max_states

    def advance(self, db: sqlite3.Connection, number: int, wakeup: Wakeup) -> list[Effect]:
        """Take a run as far as it can go, and return the effects to run after the commit."""
        run = self._runs.find_by_number(db, number)
        if run is None:
            return []
        position = self._runs.event_log.state(db, number)
        effects: list[Effect] = []
        if number in self.parked:
            ParkedRuns.delete(db, number)
            self._runs.set_status(db, number, position.status, None)
            self._runs.after_commit(partial(self.parked.discard, number))
        stepper = self._stepper(db, run, position, effects)
        for action_id, result, _ in wakeup.results:
            self._runs.note_change(run)
            self._apply_result(db, run, stepper, action_id, result)
        if position.phase != Phase.DONE:
            self._continue(db, stepper, wakeup, effects)
            self._save(db, run, position, stepper)
        elif run.completion_time is None:
            self._runs.set_status(db, number, position.status, format_timestamp(time.time()))
        return effects

    def advance_new(self, db: sqlite3.Connection, run: Run, position: RunState) -> list[Effect]:
        """Advance a run that the same transaction has stored; as :meth:`advance`."""
        effects: list[Effect] = []
        stepper = self._stepper(db, run, position, effects)
        stepper.advance()
        self._save(db, run, position, stepper)
        return effects

    def cancel(self, db: sqlite3.Connection, run: Run) -> list[Effect]:
        """End a run that somebody cancels."""
        effects: list[Effect] = []
        try:
            position = self._runs.event_log.state(db, run.number)
            stepper = self._stepper(db, run, position, effects)
        except Exception as error:
            if fault_of(error) is not StoreFault.RECORD:
                raise
            return self._cancel_unreadable(db, run, reason_of(error))
        ParkedRuns.delete(db, run.number)
        stepper.append_event(EventKind.CANCELED, {})
        self._save(db, run, position, stepper)
        return [*effects, *self._cancel_current_action(db, position)]

    def resume(self, db: sqlite3.Connection, run: Run) -> list[Effect]:
        """Record that somebody resumes a run, and have its action tried again."""
        position = self._runs.event_log.state(db, run.number)
        effects: list[Effect] = []
        stepper = self._stepper(db, run, position, effects)
        stepper.append_event(EventKind.RESUMED, {})
        self._save(db, run, position, stepper)
        action = self._action(db, position)
        provider = self._registry.find(action.provider) if action else None
        if action is not None and provider is not None:
            effects.append(partial(provider.resume, action))
        return effects

    def park(self, db: sqlite3.Connection, number: int, wakeup: Wakeup, reason: str) -> None:
        """Set a run aside that cannot be advanced; results of its actions are stored."""
        self._runs.event_log.forget(number)
        for action_id, result, _ in wakeup.results:
            if result.status in (ACTIVE, INACTIVE):
                self._actions.set_blocked(db, action_id, result.details, result.status == INACTIVE)
            else:
                self._actions.end(db, action_id, result)
        run = self._runs.find_by_number(db, number)
        if run is None:
            return
        self._runs.note_change(run)
        if run.completion_time is not None:
            return
        if number not in self.parked:
            logger.error("run %s is parked: %s", run.id, reason)
            self._queue.record(db, run, None, [], 0, INACTIVE)
        try:
            state: str | None = self._runs.event_log.replay(db, number).state
        except Exception as error:
            if fault_of(error) is not StoreFault.RECORD:
                raise
            state = None
        ParkedRuns.insert(db, number, parked_details(reason, state))
        self._runs.set_parked_status(db, number, INACTIVE, None)
        self._runs.after_commit(partial(self.parked.add, number))

    def unpark(self, db: sqlite3.Connection, number: int) -> None:
        """Have a parked run advanced again at its next wakeup."""
        ParkedRuns.delete(db, number)
        self._runs.set_status(db, number, ACTIVE, None)
        self._runs.after_commit(partial(self.parked.discard, number))

    def _cancel_unreadable(self, db: sqlite3.Connection, run: Run, reason: str) -> list[Effect]:
        moment = time.time()
        event = Event(EventKind.CANCELED, moment, {})
        self._runs.event_log.append_unapplied(db, run.number, event)
        self._runs.set_parked_status(db, run.number, "FAILED", format_timestamp(moment))
        self._queue.record(db, run, None, [], 0, "FAILED")
        ParkedRuns.insert(db, run.number, canceled_details(reason))
        self._runs.after_commit(partial(self.parked.discard, run.number))
        self._runs.after_commit(partial(self._on_ended, run))
        return [
            effect
            for action in self._actions.open_for_run(run.number)
            for effect in self._cancel_action(action)
        ]

    def _stepper(
        self, db: sqlite3.Connection, run: Run, position: RunState, effects: list[Effect]
    ) -> RunStepper:
        def call(name: str, sequence: int, called: CallAction) -> Accepted | Refused:
            return self._call(db, run, name, sequence, called, effects)

        context = self._identity.context(flow_id=run.flow_id, run_id=run.id)
        flow = self._runs.flow(run.definition, db)
        # A run that is held enters no state; what it is in ends as ever.
        most = 0 if run.held_at is not None else self._max_states
        return RunStepper(flow, position, context, time.time(), call, most)

    def _apply_result(
        self,
        db: sqlite3.Connection,
        run: Run,
        stepper: RunStepper,
        action_id: str,
        result: ActionResult,
    ) -> None:
        mine = stepper.run_state.action_id == action_id
        if result.status in (ACTIVE, INACTIVE):
            blocked = result.status == INACTIVE
            new = self._actions.set_blocked(db, action_id, result.details, blocked)
            if new and mine:
                kind = EventKind.BLOCKED if blocked else EventKind.UNBLOCKED
                stepper.append_event(kind, {"details": result.details})
            return
        if not self._actions.end(db, action_id, result):
            return
        self._add_core_hours(db, run, action_id, result)
        if mine:
            if result.status == REFUSED:
                stepper.reject_action(result.details)
                return
            action = self._actions.get_with_details(db, action_id, result.details)
            if action is not None:
                self._actions.counters.count_action(action.provider, action.status, result.details)
                stepper.end_action(action.document(self._identity.urn))

    def _add_core_hours(
        self, db: sqlite3.Connection, run: Run, action_id: str, result: ActionResult
    ) -> None:
        added = add_core_hours(db, action_id, run.flow_id, result.details)
        if added is not None and added[1].tasks:
            endpoint_id, used = added
            counted = partial(self._actions.counters.count_core_hours, endpoint_id, used.hours)
            self._runs.after_commit(counted)

    def _continue(
        self, db: sqlite3.Connection, stepper: RunStepper, wakeup: Wakeup, effects: list[Effect]
    ) -> None:
        position = stepper.run_state
        # A timer that was set for an earlier state of the run does not count now.
        due = position.wake_at in wakeup.due_times
        if position.phase != Phase.ACTION:
            stepper.advance(due)
            return
        action = self._action(db, position)
        document = action.document(self._identity.urn) if action is not None else {}
        if action is not None and action.completion_time is not None:
            stepper.end_action(document)
        elif due:
            effects += self._cancel_current_action(db, position)
            stepper.time_out_action(document)

    def _save(
        self, db: sqlite3.Connection, run: Run, before: RunState, stepper: RunStepper
    ) -> None:
        after = stepper.run_state
        if stepper.events:
            self._runs.event_log.append(db, run.number, stepper.events, after)
            flow = self._runs.flow(run.definition, db)
            self._queue.record(db, run, flow, stepper.events, after.sequence, after.status)
            if after.status != before.status or after.phase == Phase.DONE:
                ended = (
                    format_timestamp(stepper.events[-1].time) if after.phase == Phase.DONE else None
                )
                self._runs.set_status(db, run.number, after.status, ended)
        self._runs.after_commit(partial(self._on_advanced, run, after))

    def _action(self, db: sqlite3.Connection, position: RunState) -> Action | None:
        return self._actions.get(position.action_id, db) if position.action_id else None

    def _cancel_current_action(self, db: sqlite3.Connection, position: RunState) -> list[Effect]:
        action = self._action(db, position)
        if action is None or action.completion_time is not None:
            return []
        return self._cancel_action(action)

    def _cancel_action(self, action: Action) -> list[Effect]:
        provider = self._registry.find(action.provider)
        return [] if provider is None else [partial(provider.cancel, action)]

    def _call(
        self,
        db: sqlite3.Connection,
        run: Run,
        name: str,
        sequence: int,
        called: CallAction,
        effects: list[Effect],
    ) -> Accepted | Refused:
        provider = self._registry.find(called.url)
        if provider is None:
            known = ", ".join(self._registry.urls)
            text = f"this facility has no action provider {called.url}; it has: {known}"
            return Refused({"code": "ActionProviderNotFound", "description": text})
        moment = format_timestamp(time.time())
        action = Action(
            id=provider.new_id(),
            run_id=run.id,
            state_name=name,
            provider=called.url,
            body=called.body,
            label=run.label,
            status=ACTIVE,
            details={},
            start_time=moment,
            completion_time=None,
            attempts=0,
        )
        db.execute("SAVEPOINT action")
        try:
            result = provider.accept(db, action)
        except ActionRejected as error:
            db.execute("ROLLBACK TO action")
            db.execute("RELEASE action")
            return Refused({"code": error.code, "description": error.description})
        # Where something else is raised, the transaction may be over: SQLite undoes it on a full
        # disk, and there is no savepoint any more.
        db.execute("RELEASE action")
        if result is not None:
            action = action.with_result(validate_result(result), moment)
            self._actions.counters.count_action(action.provider, action.status, action.details)
        self._actions.insert(db, action, run.number, sequence)
        if result is not None:
            return Accepted(action.id, action.document(self._identity.urn))
        effects.append(partial(self._begin_action, action))
        return Accepted(action.id)
