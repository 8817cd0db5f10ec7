"""Run of a flow in memory, and what a test may assert of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from headrace._internal.timestamps import format_timestamp
from headrace.flowlang import CallAction, Flow
from headrace.flowlang.runs import (
    Accepted,
    Event,
    EventKind,
    Phase,
    Refused,
    RetryError,
    RunState,
    RunStepper,
    SuppliedResult,
    last_entry,
    run_details,
    run_log,
    start_retry,
)
from headrace.testing.answers import NEVER, REFUSED, Reply
from headrace.testing.coverage import Coverage
from headrace.testing.problems import FlowTestError, require_known

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


class RepliesToCalls(Protocol):
    """Flow under test, with the scripted replies of its providers."""

    @property
    def flow(self) -> Flow:
        """The parsed flow."""

    @property
    def context(self) -> dict[str, Any]:
        """Members of ``$._context`` beside those that every run has."""

    @property
    def coverage(self) -> Coverage:
        """The states that the test's runs have gone through."""

    def reply(self, state: str, url: str, body: dict[str, Any], number: int) -> Reply:
        """Return the reply to a call."""


class FlowRun:
    """One run of a flow under test.

    Args:
        test: the flow and its scripted providers.
        events: the run's first events.
        run_state: state of the run after them.
        now: seconds since 1970 at its start.
    """

    def __init__(
        self, test: RepliesToCalls, events: list[Event], run_state: RunState, now: float
    ) -> None:
        self.id = str(uuid.uuid4())
        self.calls: list[Call] = []
        self._test = test
        self._flow = test.flow
        self._events = [*events]
        self._run_state = run_state
        self._started_at = self._now = now
        self._states_left = MAX_STATES
        self._pending: tuple[dict[str, Any], Reply] | None = None
        self._resumed = False

    @property
    def status(self) -> str:
        """ACTIVE, INACTIVE, SUCCEEDED or FAILED."""
        return self._run_state.status

    @property
    def state(self) -> str:
        """The state that the run is in, or ended in."""
        return self._run_state.state

    @property
    def payload(self) -> dict[str, Any]:
        """The present payload."""
        return self._run_state.payload.value

    @property
    def output(self) -> dict[str, Any]:
        """The payload at the end of a run that succeeded."""
        self.assert_succeeded()
        return self.payload

    @property
    def elapsed(self) -> float:
        """Seconds of the flow's own time that have passed."""
        return self._now - self._started_at

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log as the service shows it."""
        return [entry.document() for entry in run_log(self._flow, self._events)]

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
        *_, entry = run_log(self._flow, self._events)
        return run_details(entry)

    @property
    def failure(self) -> dict[str, Any] | None:
        """End of a run that failed: ``state_name``, ``exception``, ``cause``."""
        last = self._events[-1]
        error: dict[str, Any] | None = (
            last.data.get("error") if last.kind is EventKind.FAILED else None
        )
        return error

    def body(self, state: str, number: int = -1) -> dict[str, Any]:
        """Return what a state asked of its provider, the last time by default.

        Raises:
            FlowTestError: it asked nothing.
        """
        require_known(state, self._flow.states, "state of this flow")
        bodies = [call.body for call in self.calls if call.state == state]
        if not bodies:
            raise FlowTestError(f"{state} called nothing; the run went {self._route()}")
        return bodies[number]

    def run_to_end(self, until_state: str | None = None) -> FlowRun:
        """Advance the run until it has ended, is blocked, or is about to enter a state.

        Args:
            until_state: the state.

        Raises:
            FlowTestError: it never ends, or calls a provider without a script.
        """
        if until_state is not None:
            require_known(until_state, self._flow.states, "state of this flow")
        while self._run_state.phase != Phase.DONE:
            if until_state == self._run_state.state and self._run_state.phase == Phase.ENTER:
                break
            if not self._step():
                break
        return self

    def resume(self) -> FlowRun:
        """Resume a run that is blocked, and run it to its end."""
        if self._run_state.status != "INACTIVE":
            raise FlowTestError(f"the run is {self.status}; only one that is INACTIVE is resumed")
        stepper = self._stepper()
        stepper.append_event(EventKind.RESUMED, {})
        stepper.append_event(EventKind.UNBLOCKED, {"details": {}})
        self._record(stepper)
        self._resumed = True
        return self.run_to_end()

    def cancel(self) -> FlowRun:
        """Cancel a run that has not ended."""
        if self._run_state.phase == Phase.DONE:
            raise FlowTestError(f"the run is {self.status}")
        stepper = self._stepper()
        stepper.append_event(EventKind.CANCELED, {})
        self._record(stepper)
        return self

    def retry(
        self, from_state: str | None = None, supplied: SuppliedResult | None = None
    ) -> FlowRun:
        """Retry this run as ``headrace run retry`` does, and run the new one to its end.

        Args:
            from_state: where it begins; by default where this run ended.
            supplied: the state's output, as a person supplies it.

        Raises:
            FlowTestError: it cannot be retried like this.
        """
        try:
            before = last_entry(self._events, from_state)
            events, run_state = start_retry(
                self._flow, before, self.id, self._now, CREATOR, supplied
            )
        except RetryError as error:
            raise FlowTestError(str(error)) from None
        return FlowRun(self._test, events, run_state, self._now).run_to_end()

    def assert_succeeded(self) -> None:
        """Fail the test, with the run's failure and route, unless the run has succeeded."""
        assert self.status == "SUCCEEDED", self._history()  # noqa: S101 - this is what tests call

    def assert_failed(self, exception: str | None = None, state: str | None = None) -> None:
        """Fail the test unless the run has failed.

        Args:
            exception: name of the failure.
            state: where it happened.
        """
        failure = self.failure or {}
        assert self.status == "FAILED", self._history()  # noqa: S101
        assert exception in (None, failure.get("exception")), self._history()  # noqa: S101
        assert state in (None, failure.get("state_name")), self._history()  # noqa: S101

    def assert_route(self, *states: str) -> None:
        """Fail the test unless the run went through these states, in this order, and no others."""
        for state in states:
            require_known(state, self._flow.states, "state of this flow")
        assert self.states == list(states), f"the run went {self._route()}"  # noqa: S101

    def _step(self) -> bool:
        run_state = self._run_state
        stepper = None
        if run_state.phase == Phase.ENTER:
            stepper = self._stepper()
            stepper.advance()
        elif run_state.phase == Phase.WAIT:
            self._now = max(self._now, run_state.wake_at or self._now)
            stepper = self._stepper()
            stepper.advance(wait_is_over=True)
        else:
            stepper = self._action()
        if stepper is None:
            return False
        self._record(stepper)
        return True

    def _action(self) -> RunStepper | None:
        if self._pending is None:
            raise FlowTestError(f"{self._run_state.state}: there is no action to wait for")
        document, reply = self._pending
        limit = self._run_state.wake_at or self._now
        if reply.resumed is not None and not self._resumed:
            if self._run_state.status == "INACTIVE":
                return None
            stepper = self._stepper()
            stepper.append_event(EventKind.BLOCKED, {"details": dict(reply.resumed)})
            return stepper
        if reply.status == NEVER or self._now + reply.after > limit:
            self._now = limit
            stepper = self._stepper()
            stepper.time_out_action({**document, "status": "ACTIVE", "display_status": "ACTIVE"})
            return stepper
        self._now += reply.after
        stepper = self._stepper()
        stepper.end_action(self._ended(document, reply))
        return stepper

    def _stepper(self) -> RunStepper:
        return RunStepper(
            self._flow, self._run_state, self._context(), self._now, self._call, max_states=1
        )

    def _record(self, stepper: RunStepper) -> None:
        self._states_left -= 1
        if self._states_left < 0:
            raise FlowTestError(
                f"the run went through {MAX_STATES} states without an end; it went {self._route()}"
            )
        coverage = self._test.coverage
        for event in stepper.events:
            state, following = event.data.get("state"), event.data.get("next")
            if state is not None:
                coverage.states.add(state)
            if state is not None and following is not None:
                coverage.edges.add((state, following))
        self._events += stepper.events
        self._run_state = stepper.run_state

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
        moment = int(self._started_at)
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

    def _history(self) -> str:
        failure = self.failure
        text = f"the run is {self.status} in state {self.state!r}"
        if failure is not None:
            text += f": {failure['exception']}: {failure['cause']}"
        return f"{text}; it went {self._route()}"
