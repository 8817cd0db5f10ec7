"""One turn of one run: from where its log stands to where it must wait, or to its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from headrace.facility.actions import Action
from headrace.facility.redact import without_private
from headrace.facility.runs import ACTIVE, FAILED, SUCCEEDED, Entry, Phase, Run, make_entry
from headrace.flowlang import (
    CallAction,
    Failed,
    Flow,
    Moved,
    Outcome,
    Sleep,
    StateError,
    complete_action,
    complete_wait,
    enter,
    raise_in,
)

# A flow may loop without ever waiting; after so many states other runs have their turn.
STATES_PER_TURN = 100


@dataclass(frozen=True)
class Turn:
    """What a turn came to.

    Attributes:
        run: the run after it.
        entries: new log entries, in order.
        call: the action that is to be started now, in the run's present state.
        more: whether the run could go on at once.
    """

    run: Run
    entries: list[Entry]
    call: CallAction | None = None
    more: bool = False


class Traveller:
    """Takes one run through its flow.

    Args:
        run: the run as stored.
        flow: its checked definition.
        context: what ``$._context`` shows.
    """

    def __init__(self, run: Run, flow: Flow, context: Mapping[str, Any]) -> None:
        self._run = run
        self._flow = flow
        self._context = context
        self._entries: list[Entry] = []
        self._call: CallAction | None = None

    def travel(self, action: Action | None, creator: str, due: bool) -> Turn:
        """Goes on as far as the run can.

        Args:
            action: the action that the run waits for, as stored.
            creator: URN of who started the run.
            due: whether the run's wait or the action's time is over.
        """
        run = self._run
        if run.phase == Phase.ACTION:
            outcome = self._after_action(action, creator, due)
        elif run.phase == Phase.WAIT:
            outcome = complete_wait(self._flow, run.state or "", run.payload) if due else None
        else:
            outcome = self._enter() if run.phase == Phase.ENTER else None
        if outcome is not None:
            self._follow(outcome)
        return self._turn()

    def refuse(self, error: StateError) -> Turn:
        """Goes on after the action of the present state could not be started."""
        outcome = raise_in(self._flow, error.state_name, self._run.payload, error, self._context)
        self._log("ActionFailed", f"Action of state {error.state_name} failed", error.document())
        self._follow(outcome)
        return self._turn()

    def _turn(self) -> Turn:
        more = self._run.phase == Phase.ENTER and self._call is None
        return Turn(self._run, self._entries, self._call, more)

    def _follow(self, outcome: Outcome) -> None:
        for _ in range(STATES_PER_TURN):
            self._apply(outcome)
            if self._run.phase != Phase.ENTER or self._call is not None:
                return
            outcome = self._enter()

    def _enter(self) -> Outcome:
        name = self._run.state or ""
        outcome = enter(self._flow, name, self._run.payload, self._context)
        shown: Any = self._run.payload
        if isinstance(outcome, CallAction):
            shown = without_private(outcome.body, outcome.private)
        kind = self._kind(name)
        self._log(
            f"{kind}Started",
            f"State {name} of type {kind} started",
            {"state_name": name, "state_type": kind, "input": without_private(shown)},
        )
        return outcome

    def _after_action(self, action: Action | None, creator: str, due: bool) -> Outcome | None:
        name = self._run.state or ""
        if action is not None and action.status != ACTIVE:
            document = action.document(creator)
            if action.status == FAILED:
                failure = {"state_name": name, "output": without_private(document)}
                self._log("ActionFailed", f"Action of state {name} failed", failure)
            return complete_action(self._flow, name, self._run.payload, document, self._context)
        if not due:
            return None
        last = action.document(creator) if action else {}
        error = StateError("ActionTimeout", last, name)
        self._log(
            "ActionTimeout", f"Action of state {name} exceeded its WaitTime", {"output": last}
        )
        return raise_in(self._flow, name, self._run.payload, error, self._context)

    def _apply(self, outcome: Outcome) -> None:
        name = self._run.state or ""
        match outcome:
            case Moved(next=following, payload=payload, output=output):
                kind = self._kind(name)
                shown = {"state_name": name, "state_type": kind, "output": without_private(output)}
                self._log(f"{kind}Completed", f"State {name} of type {kind} completed", shown)
                if following is None:
                    self._end(SUCCEEDED, payload)
                else:
                    self._place(following, Phase.ENTER, payload)
            case CallAction():
                self._call = outcome
                self._place(name, Phase.ACTION, self._run.payload, time.time() + outcome.wait_time)
            case Sleep(seconds=seconds, until=until):
                wake_at = until.timestamp() if until else time.time() + max(0.0, seconds or 0.0)
                self._place(name, Phase.WAIT, self._run.payload, wake_at)
            case Failed(error=error):
                self._end(FAILED, self._run.payload, error)

    def _place(self, state: str, phase: str, payload: Any, wake_at: float | None = None) -> None:
        self._run = replace(
            self._run, state=state, phase=phase, payload=payload, wake_at=wake_at, action_id=None
        )

    def _end(self, status: str, payload: dict[str, Any], error: StateError | None = None) -> None:
        if error is None:
            text = "The Flow run reached a successful completion state"
            details = {
                "code": "FlowSucceeded",
                "description": text,
                "output": without_private(payload),
            }
            self._log(
                "FlowSucceeded",
                "The Flow Instance completed successfully",
                {"output": details["output"]},
            )
        else:
            text = f"State {error.state_name} failed: {error.exception}"
            details = {"code": "FlowFailed", "description": text, "details": error.document()}
            self._log("FlowFailed", text, error.document())
        self._run = replace(
            self._run,
            phase=Phase.DONE,
            payload=payload,
            status=status,
            details=details,
            completion_time=self._entries[-1].time,
            wake_at=None,
            action_id=None,
        )

    def _log(self, code: str, description: str, details: Mapping[str, Any]) -> None:
        entry = make_entry(code, description, details)
        self._entries.append(entry)
        self._run = replace(self._run, sequence=self._run.sequence + 1, details=entry.document())

    def _kind(self, name: str) -> str:
        kind: str = self._flow.definition["States"][name]["Type"]
        return kind
