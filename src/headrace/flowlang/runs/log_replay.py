"""The payload of each state of a run, worked out from its log.

The hosted service shows no payloads between states; it shows each result, and the definition says
where a result goes. What the log does not show is never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.flowlang.errors import FlowLanguageError, PathError
from headrace.flowlang.model import ActionState, Catcher, Flow
from headrace.flowlang.payload import Payload, TooLargeError
from headrace.flowlang.resume_entry import RESUME_MEMBER, is_resume_state
from headrace.flowlang.step import PLACING

_FAILURES: Final = frozenset({"ActionFailed", "ActionTimeout"})
_NOTHING: Final = object()
# Whoever else an action runs as is a role, whose token the input brings.
_IDENTITIES: Final = frozenset({"User", "Flow"})


class LogReplayError(FlowLanguageError):
    """The log of a run does not show what a state got."""


@dataclass
class RunFromLog:
    """A run, as its log shows it.

    Attributes:
        body: its input, without the member that resumes.
        entered: the payload with which it entered each state last, in the order of these.
    """

    body: dict[str, Any]
    entered: dict[str, Payload] = field(default_factory=dict)

    @property
    def last(self) -> str:
        """The state that it was in last; empty where it was in none."""
        return next(reversed(self.entered), "")


def read_run_from_log(
    definition: Mapping[str, Any],
    flow: Flow,
    entries: Iterable[Mapping[str, Any]],
    schema: Mapping[str, Any] | None = None,
) -> RunFromLog:
    """Work out what each state of a run got.

    Args:
        definition: the run's definition, without the entry of :mod:`..resume_entry`.
        flow: the same, parsed.
        entries: the whole log, oldest first.
        schema: the schema of the run's input.

    Raises:
        LogReplayError: the log does not show it.
    """
    text = json.dumps([definition, schema])
    if "_private" in text or "__Private_Parameters" in text:
        raise LogReplayError("the flow has private members, which logs leave out")
    identities = {s.run_as for s in flow.states.values() if isinstance(s, ActionState)}
    if identities - _IDENTITIES:
        raise LogReplayError("actions of the flow run as roles, whose tokens are not used again")
    return _Replay(flow).run(entries)


class _Replay:
    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._found: RunFromLog | None = None
        self._payload = Payload.of({})
        self._state = ""
        self._output: Any = _NOTHING
        self._failed = False

    def run(self, entries: Iterable[Mapping[str, Any]]) -> RunFromLog:
        for entry in entries:
            details = entry.get("details")
            self._read(str(entry.get("code")), details if isinstance(details, Mapping) else {})
        if self._found is None:
            raise LogReplayError("its log does not show its input")
        return self._found

    def _read(self, code: str, details: Mapping[str, Any]) -> None:
        if code == "FlowStarted":
            self._start(details.get("input"))
            return
        name = details.get("state_name")
        if not isinstance(name, str) or is_resume_state(name) or code.startswith("Flow"):
            return
        if code.endswith("Started"):
            self._enter(name)
        elif name != self._state:
            raise LogReplayError(f"its log shows the end of state {name}, not its beginning")
        elif code in _FAILURES:
            self._failed = True
            if self._output is _NOTHING:
                self._output = details.get("output", _NOTHING)
        elif code.endswith("Completed"):
            self._output = details.get("output", _NOTHING)

    def _start(self, body: Any) -> None:
        if not isinstance(body, Mapping):
            raise LogReplayError("its log does not show its input")
        own = {name: value for name, value in body.items() if name != RESUME_MEMBER}
        self._found = RunFromLog(own)
        resumed = body.get(RESUME_MEMBER)
        payload: Any = own
        if isinstance(resumed, Mapping) and {"state", "payload"} <= set(resumed):
            payload = resumed["payload"]
        if not isinstance(payload, dict):
            raise LogReplayError("its log does not show its input")
        self._payload = Payload.of(payload)

    def _enter(self, name: str) -> None:
        if self._found is None:
            raise LogReplayError("its log does not show its input")
        if name not in self._flow.states:
            raise LogReplayError(f"its definition has no state {name}")
        if self._state:
            try:
                self._payload = self._left_for(name)
            except (PathError, TooLargeError) as error:
                raise LogReplayError(f"the result of state {self._state}: {error}") from error
        self._state, self._output, self._failed = name, _NOTHING, False
        self._found.entered.pop(name, None)
        self._found.entered[name] = self._payload

    def _left_for(self, following: str) -> Payload:
        """Return the payload after the present state, which led to another one."""
        state = self._flow.states[self._state]
        if isinstance(state, ActionState) and (catcher := self._catcher(state, following)):
            return self._payload.place(catcher.result_path, self._shown())
        if not isinstance(state, PLACING):
            return self._payload
        return self._payload.place(state.result_path, self._shown())

    def _catcher(self, state: ActionState, following: str) -> Catcher | None:
        """Return the catcher that a failure took; None where the state succeeded."""
        taken = {each.result_path.text: each for each in state.catch if each.next == following}
        failed = self._failed or following != state.next
        if not failed and taken:
            # Its end may be that of a failure that has no entry of its own.
            shown = self._output
            failed = isinstance(shown, Mapping) and "exception" in shown and "status" not in shown
        if not failed:
            return None
        if len(taken) != 1:
            raise LogReplayError(f"its log does not show how state {state.name} went on")
        return next(iter(taken.values()))

    def _shown(self) -> Any:
        if self._output is _NOTHING:
            raise LogReplayError(f"its log does not show the result of state {self._state}")
        return self._output
