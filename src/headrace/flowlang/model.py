"""A checked flow: what the step function works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from headrace.flowlang.paths import Path


class Template(Protocol):
    """Compiled Parameters."""

    def evaluate(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        """Return the evaluated parameters."""


class Rule(Protocol):
    """A compiled rule of a Choice."""

    def matches(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
        """Say whether the rule holds."""


@dataclass(frozen=True)
class Catcher:
    """State to which a failure leads.

    Attributes:
        errors: names of failures.
        next: the state that takes over.
        result_path: where the failure is put; by default it replaces the payload.
    """

    errors: frozenset[str]
    next: str
    result_path: Path


@dataclass(frozen=True)
class State:
    """Members that all states have.

    Attributes:
        name: the state's name.
        next: the following state; None at the end of a flow.
    """

    name: str
    next: str | None


@dataclass(frozen=True)
class ActionState(State):
    """Calls an action provider.

    Attributes:
        url: the provider.
        scope: scope of the token, where the flow names it.
        parameters: the action's body, or None with ``input_path``.
        input_path: where the whole body is taken from.
        result_path: where the status document is put.
        wait_time: seconds that the action may take.
        raises: whether a FAILED action is a failure of the state.
        run_as: whose token is used.
        catch: catchers, in order.
        private: names of parameters that logs leave out.
        bare: whether the result is the answer alone, without the status document around it.
    """

    url: str
    scope: str | None
    parameters: Template | None
    input_path: Path | None
    result_path: Path
    wait_time: int
    raises: bool
    run_as: str
    catch: tuple[Catcher, ...]
    private: frozenset[str] = frozenset()
    bare: bool = False


@dataclass(frozen=True)
class ExpressionEvalState(State):
    """Evaluates parameters and puts them at a place of the payload."""

    parameters: Template
    result_path: Path
    private: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PassState(State):
    """Moves parts of the payload, or puts a constant into it."""

    parameters: Template | None
    input_path: Path | None
    result: dict[str, Any] | None
    result_path: Path
    private: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ChoiceState(State):
    """Takes the first rule that holds.

    Attributes:
        rules: each with the state that it leads to.
        default: where it goes when none holds.
    """

    rules: tuple[tuple[Rule, str], ...]
    default: str | None


@dataclass(frozen=True)
class WaitState(State):
    """Waits; exactly one of its members is set."""

    seconds: float | None = None
    seconds_path: Path | None = None
    timestamp: datetime | None = None
    timestamp_path: Path | None = None


@dataclass(frozen=True)
class FailState(State):
    """Ends the run as failed."""

    error: str | Path | None = None
    cause: str | Path | None = None


@dataclass(frozen=True)
class Flow:
    """A checked definition.

    Attributes:
        start_at: name of the first state.
        states: states by name.
        definition: the definition as it was given.
    """

    start_at: str
    states: Mapping[str, State]
    definition: Mapping[str, Any] = field(repr=False, compare=False)

    def kind(self, name: str) -> str:
        """Return a state's type, such as ``Action``."""
        kind: str = self.definition["States"][name]["Type"]
        return kind

    def private(self, name: str) -> frozenset[str]:
        """Return the names of a state's private parameters."""
        return getattr(self.states[name], "private", frozenset())
