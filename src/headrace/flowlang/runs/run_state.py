"""State of a run: events replayed in order, and the steps that give the next ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from headrace.flowlang.model import Flow
from headrace.flowlang.outcomes import CallAction, Failed, Moved, Outcome, Sleep, StateError
from headrace.flowlang.paths import Path, compile_path
from headrace.flowlang.payload import Payload
from headrace.flowlang.runs.events import Event, EventKind
from headrace.flowlang.step import complete_action, complete_wait, enter, raise_in, supply

ACTIVE: Final = "ACTIVE"
INACTIVE: Final = "INACTIVE"
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"
TERMINAL: Final = frozenset({SUCCEEDED, FAILED, "ENDED"})


class Phase:
    """Next step of a run: enter its state, wait for an action or a time, or nothing more."""

    ENTER: Final = "enter"
    ACTION: Final = "action"
    WAIT: Final = "wait"
    DONE: Final = "done"


@dataclass(frozen=True, slots=True)
class RunState:
    """State of a run after some of its events.

    Attributes:
        sequence: number of events so far.
        status: ACTIVE, INACTIVE, SUCCEEDED or FAILED.
        state: name of the present or last state.
        phase: one of :class:`Phase`.
        payload: the state's input; at the end of a run that succeeded, its output.
        action_id: the action that it waits for.
        wake_at: seconds since 1970 at which a Wait ends or an action's time is over.
        seconds: how long that is from the state's beginning; None where a moment was given.
    """

    sequence: int
    status: str
    state: str
    phase: str
    payload: Payload
    action_id: str | None = None
    wake_at: float | None = None
    seconds: float | None = None

    def to_snapshot(self) -> dict[str, Any]:
        """Return the snapshot: the run's state as JSON."""
        return {
            "sequence": self.sequence,
            "status": self.status,
            "state": self.state,
            "phase": self.phase,
            "payload": self.payload.value,
            "action_id": self.action_id,
            "wake_at": self.wake_at,
            "seconds": self.seconds,
        }


def from_snapshot(snapshot: dict[str, Any]) -> RunState:
    """Read the state of a run from its snapshot."""
    return RunState(**{**snapshot, "payload": Payload.of(snapshot["payload"])})


def replay(events: Iterable[Event], initial: RunState | None = None) -> RunState:
    """Apply events in order and return the resulting state of the run.

    Args:
        events: in order; the first of a run is STARTED.
        initial: state of the run before them.
    """
    run_state = initial
    for event in events:
        run_state = apply(run_state, event)
    if run_state is None:
        raise ValueError("a run has at least one event")
    return run_state


def apply(run_state: RunState | None, event: Event, payload: Payload | None = None) -> RunState:
    """Apply one event and return the resulting state of the run.

    Args:
        run_state: state of the run before it; None before the run was started.
        event: what happened.
        payload: the payload after it, where it is known already.
    """
    kind, data = event.kind, event.data
    if run_state is None and kind is EventKind.RECORDED:
        return RunState(1, ACTIVE, "", Phase.DONE, Payload({}, len("{}")))
    if run_state is None:
        return RunState(1, ACTIVE, data["state"], Phase.ENTER, Payload.of(data["input"]))
    at, before = run_state.sequence + 1, run_state.payload
    if kind is EventKind.STEPPED or kind is EventKind.ENDED:
        if payload is None:
            payload = _placed(before, data)
        following = data["next"]
        if following is None:
            return RunState(at, SUCCEEDED, data["state"], Phase.DONE, payload)
        return RunState(at, ACTIVE, following, Phase.ENTER, payload)
    if kind is EventKind.CALLED or kind is EventKind.WAITING:
        return RunState(
            at,
            ACTIVE,
            data["state"],
            Phase.ACTION if kind is EventKind.CALLED else Phase.WAIT,
            before,
            data.get("action_id"),
            data["wake_at"],
            data["seconds"],
        )
    if kind is EventKind.FAILED or kind is EventKind.CANCELED:
        return RunState(at, FAILED, run_state.state, Phase.DONE, before)
    if kind is EventKind.ADOPTED:
        return replace(from_snapshot(data), sequence=at)
    status = {EventKind.BLOCKED: INACTIVE, EventKind.UNBLOCKED: ACTIVE}.get(kind, run_state.status)
    return RunState(
        at,
        status,
        run_state.state,
        run_state.phase,
        before,
        run_state.action_id,
        run_state.wake_at,
        run_state.seconds,
    )


def _placed(before: Payload, data: dict[str, Any]) -> Payload:
    if "path" not in data:
        return before
    return before.place(_reference(data["path"]), data["value"])


@lru_cache(maxsize=4096)
def _reference(text: str) -> Path:
    return compile_path(text)


# A flow may loop without ever waiting; after so many states other runs are advanced.
MAX_STATES_PER_ADVANCE: Final = 100


@dataclass(frozen=True, slots=True)
class Accepted:
    """A provider has taken an action.

    Attributes:
        action_id: its id.
        document: the action's last status document, where it has ended already.
    """

    action_id: str
    document: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A provider has not taken an action; ``cause`` is its error document."""

    cause: Any


ActionStarter = Callable[[str, int, CallAction], Accepted | Refused]


class RunStepper:
    """Advances one run through its flow, and collects the events of that.

    Args:
        flow: the run's checked definition.
        run_state: the run's state.
        context: what ``$._context`` shows.
        now: seconds since 1970.
        start_action: starts an action; it gets the state's name, the number of the event that
            records it, which makes a request id with the run's, and what is to be called.
        max_states: states after which it stops, to be advanced again.
    """

    def __init__(
        self,
        flow: Flow,
        run_state: RunState,
        context: Mapping[str, Any],
        now: float,
        start_action: ActionStarter,
        max_states: int = MAX_STATES_PER_ADVANCE,
    ) -> None:
        self.run_state = run_state
        self.events: list[Event] = []
        self._flow = flow
        self._context = context
        self._now = now
        self._action_starter = start_action
        self._states_left = max_states

    @property
    def can_continue(self) -> bool:
        """True if the run can be advanced at once."""
        return self.run_state.phase == Phase.ENTER

    def advance(self, wait_is_over: bool = False) -> None:
        """Advance the run as far as it can go without the end of its action.

        Args:
            wait_is_over: whether the time of its Wait has come.
        """
        run_state = self.run_state
        if run_state.phase == Phase.WAIT and wait_is_over:
            outcome = complete_wait(self._flow, run_state.state, run_state.payload)
            self._end_state(EventKind.ENDED, outcome)
        self._run_states()

    def end_action(self, document: dict[str, Any]) -> None:
        """End the run's action with its last status document, and advance the run."""
        run_state = self.run_state
        outcome = complete_action(self._flow, run_state.state, run_state.payload, document)
        self._end_state(EventKind.ENDED, outcome)
        self._run_states()

    def reject_action(self, cause: Any) -> None:
        """Fail the state whose action the provider refused, with its error document for a cause."""
        run_state = self.run_state
        error = StateError("ActionUnableToRun", cause, run_state.state)
        self._end_state(
            EventKind.ENDED, raise_in(self._flow, run_state.state, run_state.payload, error)
        )
        self._run_states()

    def time_out_action(self, document: dict[str, Any]) -> None:
        """Fail the state whose action exceeded its WaitTime; the document is its last status."""
        run_state = self.run_state
        error = StateError("ActionTimeout", document, run_state.state)
        self._end_state(
            EventKind.ENDED, raise_in(self._flow, run_state.state, run_state.payload, error)
        )
        self._run_states()

    def supply_result(self, result: Any) -> None:
        """End the present state with a result that a person supplied, and advance the run."""
        run_state = self.run_state
        outcome = supply(self._flow, run_state.state, run_state.payload, result)
        self._end_state(EventKind.ENDED, outcome, by_hand=True)
        self._run_states()

    def append_event(
        self, kind: EventKind, data: dict[str, Any], payload: Payload | None = None
    ) -> None:
        """Append an event, and apply it to the run's state.

        Args:
            kind: what happened.
            data: what belongs to it.
            payload: the payload after it, where it is known already.
        """
        event = Event(kind, self._now, data)
        self.events.append(event)
        self.run_state = apply(self.run_state, event, payload)

    def _run_states(self) -> None:
        while self.run_state.phase == Phase.ENTER and self._states_left > 0:
            self._states_left -= 1
            self._enter()

    def _enter(self) -> None:
        run_state = self.run_state
        name = run_state.state
        outcome = enter(self._flow, name, run_state.payload, self._context)
        if isinstance(outcome, CallAction):
            self._start_action(name, outcome)
        elif isinstance(outcome, Sleep):
            if outcome.until is not None:
                wake_at, seconds = outcome.until.timestamp(), None
            else:
                seconds = max(0.0, outcome.seconds or 0.0)
                wake_at = self._now + seconds
            data = {"state": name, "wake_at": wake_at, "seconds": seconds}
            self.append_event(EventKind.WAITING, data)
        else:
            self._end_state(EventKind.STEPPED, outcome)

    def _start_action(self, name: str, called: CallAction) -> None:
        run_state = self.run_state
        answer = self._action_starter(name, run_state.sequence + 1, called)
        action_id = answer.action_id if isinstance(answer, Accepted) else None
        self.append_event(
            EventKind.CALLED,
            {
                "state": name,
                "action_id": action_id,
                "body": called.body,
                "wake_at": self._now + called.wait_time,
                "seconds": called.wait_time,
            },
        )
        if isinstance(answer, Refused):
            error = StateError("ActionUnableToRun", answer.cause, name)
            self._end_state(EventKind.ENDED, raise_in(self._flow, name, run_state.payload, error))
        elif answer.document is not None:
            outcome = complete_action(self._flow, name, run_state.payload, answer.document)
            self._end_state(EventKind.ENDED, outcome)

    def _end_state(self, kind: EventKind, outcome: Outcome, by_hand: bool = False) -> None:
        name = self.run_state.state
        if isinstance(outcome, Failed):
            data: dict[str, Any] = {"state": name, "error": outcome.error.document()}
            if kind is EventKind.STEPPED:
                data["began"] = True
            self.append_event(EventKind.FAILED, data)
            return
        if not isinstance(outcome, Moved):
            raise TypeError(f"{name}: {type(outcome).__name__} cannot end a state")
        data = {"state": name, "next": outcome.next}
        if outcome.change is not None:
            data["path"] = outcome.change.path.text
            data["value"] = outcome.change.value
        if outcome.error is not None:
            data["error"] = outcome.error.exception
        if by_hand:
            data["by_hand"] = True
        self.append_event(kind, data, outcome.payload)
