"""Outcomes of a step of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headrace.flowlang.paths import Path
from headrace.flowlang.payload import Payload


@dataclass(frozen=True)
class StateError:
    """A failure inside a state.

    Attributes:
        exception: its name, such as ``ActionFailedException``.
        cause: a text, or the document that describes it.
        state_name: where it happened.
        more: further members of what a Catch writes.
    """

    exception: str
    cause: Any
    state_name: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the failure as the service writes it."""
        known = {"state_name": self.state_name, "exception": self.exception, "cause": self.cause}
        return {**self.more, **known}


@dataclass(frozen=True, slots=True)
class Change:
    """Change of the payload by a state: a value was put at a place."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Moved:
    """The state is over.

    Attributes:
        next: the following state; None at the end of the flow.
        payload: what the following state receives.
        change: how the payload differs from the state's input; None where it does not.
        error: the failure that a catcher took, where one did.
    """

    next: str | None
    payload: Payload
    change: Change | None = None
    error: StateError | None = None


@dataclass(frozen=True)
class CallAction:
    """The state waits for an action that is to be started now.

    Attributes:
        url: the provider.
        scope: scope of the token, where the flow names it.
        run_as: whose token is used.
        body: what the provider is asked.
        wait_time: seconds that the action may take.
        private: names of the body that logs leave out.
    """

    url: str
    scope: str | None
    run_as: str
    body: dict[str, Any]
    wait_time: int
    private: frozenset[str]


@dataclass(frozen=True)
class Sleep:
    """The state waits: so many seconds, or until a time; exactly one is set."""

    seconds: float | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Failed:
    """The run is over."""

    error: StateError


Outcome = Moved | CallAction | Sleep | Failed
