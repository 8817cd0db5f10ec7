"""A run in memory, and what a test may say of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.timestamps import format_timestamp
from headrace.flowlang import CallAction
from headrace.flowlang.runs import (
    Accepted,
    Event,
    Given,
    Kind,
    Phase,
    Position,
    Refused,
    RetryError,
    Traveller,
    entry_of,
    log_of,
    run_details,
    taken_up,
)
from headrace.testing.answers import NEVER, REFUSED, Reply
from headrace.testing.problems import FlowTestError, known_name

if TYPE_CHECKING:
    from headrace.testing.flow import FlowTest

CREATOR: Final = f"urn:globus:auth:identity:{uuid.UUID(int=0)}"
# A run that goes through more states than that is taken for one that never ends.
MAX_STATES: Final = 10_000


@dataclass(frozen=True)
class Call:
    """One call of an action provider.

    Attributes:
        state: the state that called it.
        url: the provider.
        body: what it was asked.
        time: seconds after the run's start.
    """

    state: str
    url: str
    body: dict[str, Any]
    time: float


class FlowRun:
    """One run of a flow under test.

    Args:
        test: the flow and its scripted providers.
        events: the run's first events.
        position: where they lead to.
        now: seconds since 1970 at its start.
    """

    def __init__(self, test: FlowTest, events: list[Event], position: Position, now: float) -> None:
        self.id = str(uuid.uuid4())
        self.calls: list[Call] = []
        self._test = test
        self._flow = test.flow
        self._events = [*events]
        self._position = position
        self._begun = self._now = now
        self._left = MAX_STATES
        self._pending: tuple[dict[str, Any], Reply] | None = None
        self._resumed = False

    @property
    def status(self) -> str:
        """ACTIVE, INACTIVE, SUCCEEDED or FAILED."""
        return self._position.status

    @property
    def state(self) -> str:
        """The state that the run is in, or ended in."""
        return self._position.state

    @property
    def payload(self) -> dict[str, Any]:
        """The payload as it is now."""
        return self._position.payload.value

    @property
    def output(self) -> dict[str, Any]:
        """The payload at the end of a run that succeeded."""
        self.assert_succeeded()
        return self.payload

    @property
    def elapsed(self) -> float:
        """Seconds of the flow's own time that have passed."""
        return self._now - self._begun

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log as the service shows it."""
        return [entry.document() for entry in log_of(self._flow, self._events)]

    @property
    def codes(self) -> list[str]:
        """The codes of the log."""
        return [entry["code"] for entry in self.log]

    @property
    def states(self) -> list[str]:
        """The states in the order in which they were entered."""
        return [
            entry["details"]["state_name"]
            for entry in self.log
            if entry["code"].endswith("Started") and "state_name" in entry["details"]
        ]

    @property
    def details(self) -> dict[str, Any]:
        """The ``details`` of the run's document."""
        *_, entry = log_of(self._flow, self._events)
        return run_details(entry)

    @property
    def failure(self) -> dict[str, Any] | None:
        """What ended a run that failed: ``state_name``, ``exception``, ``cause``."""
        last = self._events[-1]
        error: dict[str, Any] | None = last.data.get("error") if last.kind is Kind.FAILED else None
        return error

    def body(self, state: str, number: int = -1) -> dict[str, Any]:
        """Return what a state asked of its provider, the last time by default.

        Raises:
            FlowTestError: it asked nothing.
        """
        known_name(state, self._flow.states, "state of this flow")
        bodies = [call.body for call in self.calls if call.state == state]
        if not bodies:
            raise FlowTestError(f"{state} called nothing; the run went {self._route()}")
        return bodies[number]

    def to_the_end(self, until: str | None = None) -> FlowRun:
        """Goes on until the run has ended, is blocked, or stands before a state.

        Args:
            until: the state.

        Raises:
            FlowTestError: it never ends, or calls a provider without a script.
        """
        if until is not None:
            known_name(until, self._flow.states, "state of this flow")
        while self._position.phase != Phase.DONE:
            if until == self._position.state and self._position.phase == Phase.ENTER:
                break
            if not self._step():
                break
        return self

    def resume(self) -> FlowRun:
        """Resumes a run that is blocked, and goes on to its end."""
        if self._position.status != "INACTIVE":
            raise FlowTestError(f"the run is {self.status}; only one that is INACTIVE is resumed")
        traveller = self._traveller()
        traveller.happened(Kind.RESUMED, {})
        traveller.happened(Kind.UNBLOCKED, {"details": {}})
        self._take(traveller)
        self._resumed = True
        return self.to_the_end()

    def cancel(self) -> FlowRun:
        """Cancel a run that has not ended."""
        if self._position.phase == Phase.DONE:
            raise FlowTestError(f"the run is {self.status}")
        traveller = self._traveller()
        traveller.happened(Kind.CANCELED, {})
        self._take(traveller)
        return self

    def retry(self, from_state: str | None = None, given: Given | None = None) -> FlowRun:
        """Take up this run as ``headrace run retry`` does, and runs the new one to its end.

        Args:
            from_state: where it begins; by default where this run ended.
            given: the state's output, as a person gives it.

        Raises:
            FlowTestError: it cannot be taken up like this.
        """
        try:
            before = entry_of(self._events, from_state)
            events, position = taken_up(self._flow, before, self.id, self._now, CREATOR, given)
        except RetryError as error:
            raise FlowTestError(str(error)) from None
        return FlowRun(self._test, events, position, self._now).to_the_end()

    def assert_succeeded(self) -> None:
        """Fails the test unless the run has succeeded, and says what happened."""
        assert self.status == "SUCCEEDED", self._story()  # noqa: S101 - this is what tests call

    def assert_failed(self, exception: str | None = None, state: str | None = None) -> None:
        """Fails the test unless the run has failed.

        Args:
            exception: name of the failure.
            state: where it happened.
        """
        failure = self.failure or {}
        assert self.status == "FAILED", self._story()  # noqa: S101
        assert exception in (None, failure.get("exception")), self._story()  # noqa: S101
        assert state in (None, failure.get("state_name")), self._story()  # noqa: S101

    def assert_route(self, *states: str) -> None:
        """Fails the test unless the run went through these states, in this order, and no others."""
        for state in states:
            known_name(state, self._flow.states, "state of this flow")
        assert self.states == list(states), f"the run went {self._route()}"  # noqa: S101

    def _step(self) -> bool:
        position = self._position
        traveller = None
        if position.phase == Phase.ENTER:
            traveller = self._traveller()
            traveller.go_on()
        elif position.phase == Phase.WAIT:
            self._now = max(self._now, position.wake_at or self._now)
            traveller = self._traveller()
            traveller.go_on(due=True)
        else:
            traveller = self._action()
        if traveller is None:
            return False
        self._take(traveller)
        return True

    def _action(self) -> Traveller | None:
        if self._pending is None:
            raise FlowTestError(f"{self._position.state}: there is no action to wait for")
        document, reply = self._pending
        limit = self._position.wake_at or self._now
        if reply.resumed is not None and not self._resumed:
            if self._position.status == "INACTIVE":
                return None
            traveller = self._traveller()
            traveller.happened(Kind.BLOCKED, {"details": dict(reply.resumed)})
            return traveller
        if reply.status == NEVER or self._now + reply.after > limit:
            self._now = limit
            traveller = self._traveller()
            traveller.action_overdue({**document, "status": "ACTIVE", "display_status": "ACTIVE"})
            return traveller
        self._now += reply.after
        traveller = self._traveller()
        traveller.action_ended(self._ended(document, reply))
        return traveller

    def _traveller(self) -> Traveller:
        return Traveller(
            self._flow, self._position, self._context(), self._now, self._call, max_states=1
        )

    def _take(self, traveller: Traveller) -> None:
        self._left -= 1
        if self._left < 0:
            raise FlowTestError(
                f"the run went through {MAX_STATES} states without an end; it went {self._route()}"
            )
        coverage = self._test.coverage
        for event in traveller.events:
            state, following = event.data.get("state"), event.data.get("next")
            if state is not None:
                coverage.states.add(state)
            if state is not None and following is not None:
                coverage.edges.add((state, following))
        self._events += traveller.events
        self._position = traveller.position

    def _call(self, name: str, sequence: int, called: CallAction) -> Accepted | Refused:
        reply = self._test.reply(name, called.url, called.body, len(self.calls_of(name)))
        self.calls.append(Call(name, called.url, called.body, self.elapsed))
        if reply.status == REFUSED:
            return Refused(reply.details)
        action_id = f"action-{sequence}"
        moment = format_timestamp(self._now)
        document: dict[str, Any] = {
            "action_id": action_id,
            "status": "ACTIVE",
            "display_status": "ACTIVE",
            "creator_id": CREATOR,
            "details": {},
            "label": None,
            "manage_by": [],
            "monitor_by": [],
            "release_after": None,
            "start_time": moment,
            "completion_time": None,
        }
        if reply.status != NEVER and reply.after <= 0 and reply.resumed is None:
            return Accepted(action_id, self._ended(document, reply))
        self._pending, self._resumed = (document, reply), False
        return Accepted(action_id)

    def calls_of(self, state: str) -> list[Call]:
        """Return the calls of one state."""
        return [call for call in self.calls if call.state == state]

    def _ended(self, document: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
        return {
            **document,
            "status": reply.status,
            "display_status": reply.status,
            "details": reply.details,
            "completion_time": format_timestamp(self._now),
        }

    def _context(self) -> dict[str, Any]:
        moment = int(self._begun)
        return {
            "flow_id": str(uuid.UUID(int=0xF10E)),
            "run_id": self.id,
            "username": "tester@example.org",
            "email": "tester@example.org",
            "user_id": CREATOR,
            "identities": [CREATOR],
            "token_info": {"exp": moment + 172_800, "iat": moment, "nbf": moment},
            **self._test.context,
        }

    def _route(self) -> str:
        states = self.states
        shown = states if len(states) <= 20 else [*states[:8], "...", *states[-8:]]
        return " -> ".join(shown) or "nowhere"

    def _story(self) -> str:
        failure = self.failure
        told = f"the run is {self.status} in state {self.state!r}"
        if failure is not None:
            told += f": {failure['exception']}: {failure['cause']}"
        return f"{told}; it went {self._route()}"
