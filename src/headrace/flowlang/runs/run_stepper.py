"""One turn of a run: from where it stands to where it must wait, or to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.flowlang.model import Flow
from headrace.flowlang.outcomes import CallAction, Failed, Moved, Outcome, Sleep, StateError
from headrace.flowlang.payload import Payload
from headrace.flowlang.runs.events import Event, Kind
from headrace.flowlang.runs.run_state import Phase, Position, apply
from headrace.flowlang.step import complete_action, complete_wait, enter, raise_in, supply

# A flow may loop without ever waiting; after so many states other runs have their turn.
STATES_PER_TURN: Final = 100


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


Caller = Callable[[str, int, CallAction], Accepted | Refused]


class Traveller:
    """Takes one run through its flow.

    Args:
        flow: the run's checked definition.
        position: where the run stands.
        context: what ``$._context`` shows.
        now: seconds since 1970.
        call: asked to begin an action; it gets the state, the number of the event that tells of
            it, which makes a request id with the run's, and what is to be called.
        max_states: states after which the turn ends.
    """

    def __init__(
        self,
        flow: Flow,
        position: Position,
        context: Mapping[str, Any],
        now: float,
        call: Caller,
        max_states: int = STATES_PER_TURN,
    ) -> None:
        self.position = position
        self.events: list[Event] = []
        self._flow = flow
        self._context = context
        self._now = now
        self._call = call
        self._left = max_states

    @property
    def more(self) -> bool:
        """Whether the run could go on at once."""
        return self.position.phase == Phase.ENTER

    def go_on(self, due: bool = False) -> None:
        """Goes on as far as the run can without the end of its action.

        Args:
            due: whether the Wait is over.
        """
        position = self.position
        if position.phase == Phase.WAIT and due:
            outcome = complete_wait(self._flow, position.state, position.payload)
            self._leave(Kind.ENDED, outcome)
        self._walk()

    def action_ended(self, document: dict[str, Any]) -> None:
        """Goes on after the run's action has ended with this status document."""
        position = self.position
        outcome = complete_action(self._flow, position.state, position.payload, document)
        self._leave(Kind.ENDED, outcome)
        self._walk()

    def action_refused(self, cause: Any) -> None:
        """Goes on after the action's provider did not begin; the cause is its error document."""
        position = self.position
        error = StateError("ActionUnableToRun", cause, position.state)
        self._leave(Kind.ENDED, raise_in(self._flow, position.state, position.payload, error))
        self._walk()

    def action_overdue(self, document: dict[str, Any]) -> None:
        """Goes on after the action's WaitTime is over; the document is its last status."""
        position = self.position
        error = StateError("ActionTimeout", document, position.state)
        self._leave(Kind.ENDED, raise_in(self._flow, position.state, position.payload, error))
        self._walk()

    def supplied(self, result: Any) -> None:
        """Goes on after a person gave the result of the present state."""
        position = self.position
        outcome = supply(self._flow, position.state, position.payload, result)
        self._leave(Kind.ENDED, outcome, by_hand=True)
        self._walk()

    def happened(self, kind: Kind, data: dict[str, Any], payload: Payload | None = None) -> None:
        """Add an event.

        Args:
            kind: what happened.
            data: what belongs to it.
            payload: the payload after it, where it is known already.
        """
        event = Event(kind, self._now, data)
        self.events.append(event)
        self.position = apply(self.position, event, payload)

    def _walk(self) -> None:
        while self.position.phase == Phase.ENTER and self._left > 0:
            self._left -= 1
            self._enter()

    def _enter(self) -> None:
        position = self.position
        name = position.state
        outcome = enter(self._flow, name, position.payload, self._context)
        if isinstance(outcome, CallAction):
            self._begin(name, outcome)
        elif isinstance(outcome, Sleep):
            if outcome.until is not None:
                wake_at, seconds = outcome.until.timestamp(), None
            else:
                seconds = max(0.0, outcome.seconds or 0.0)
                wake_at = self._now + seconds
            data = {"state": name, "wake_at": wake_at, "seconds": seconds}
            self.happened(Kind.WAITING, data)
        else:
            self._leave(Kind.STEPPED, outcome)

    def _begin(self, name: str, called: CallAction) -> None:
        position = self.position
        answer = self._call(name, position.sequence + 1, called)
        action_id = answer.action_id if isinstance(answer, Accepted) else None
        self.happened(
            Kind.CALLED,
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
            self._leave(Kind.ENDED, raise_in(self._flow, name, position.payload, error))
        elif answer.document is not None:
            outcome = complete_action(self._flow, name, position.payload, answer.document)
            self._leave(Kind.ENDED, outcome)

    def _leave(self, kind: Kind, outcome: Outcome, by_hand: bool = False) -> None:
        name = self.position.state
        if isinstance(outcome, Failed):
            data: dict[str, Any] = {"state": name, "error": outcome.error.document()}
            if kind is Kind.STEPPED:
                data["began"] = True
            self.happened(Kind.FAILED, data)
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
        self.happened(kind, data, outcome.payload)
