"""One case of the conformance suite: what the reference says, and how it is seen to hold.

Every case names the section of the Globus Flows reference that it holds to. Sections of the form
``23.x`` are those where the reference is silent; the choice is in docs/language.md.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from headrace.flowlang import (
    CallAction,
    DefinitionError,
    ExpressionError,
    Failed,
    Moved,
    Outcome,
    PathError,
    Payload,
    Sleep,
    StateError,
    compile_expression,
    compile_path,
    complete_action,
    enter,
    metadata_entries,
    parse_flow,
    raise_in,
    run_metadata_entries,
)
from headrace.flowlang.errors import ExpressionSyntaxError
from tests.support.ids import an_id

CONTEXT = {
    "flow_id": "f-1",
    "run_id": "r-1",
    "username": "ada@example.org",
    "email": "ada@example.org",
    "user_id": f"urn:globus:auth:identity:{an_id('person')}",
    "identities": [f"urn:globus:auth:identity:{an_id('person')}"],
    "token_info": {"exp": 30, "iat": 10, "nbf": 20},
}
END = {"Type": "Pass", "End": True}


@dataclass(frozen=True)
class Case:
    """A statement of the reference.

    Attributes:
        section: where the reference makes it.
        name: what it is about.
    """

    section: str
    name: str

    def check(self) -> None:
        raise NotImplementedError

    def __str__(self) -> str:
        kind = {"Accepted": "accepted: ", "Refused": "refused: "}.get(type(self).__name__, "")
        return f"{self.section} {kind}{self.name}"


@dataclass(frozen=True)
class Accepted(Case):
    """A definition that is accepted."""

    definition: dict[str, Any]

    def check(self) -> None:
        parsed = parse_flow(self.definition)
        assert parsed.start_at == self.definition["StartAt"]
        assert set(parsed.states) == set(self.definition["States"])
        assert parsed.definition is self.definition


@dataclass(frozen=True)
class Refused(Case):
    """A definition that is refused, with an entry in the service's manner."""

    definition: Any
    loc: list[Any]
    message: str
    type: str = "value_error"

    def check(self) -> None:
        with pytest.raises(DefinitionError) as caught:
            parse_flow(self.definition)
        entries = caught.value.entries
        assert all(list(entry) == ["loc", "msg", "type"] for entry in entries)
        json.dumps(entries)
        assert "\n" not in str(caught.value)
        here = [e for e in entries if e["loc"] == ["definition", *self.loc]]
        assert [(self.message in e["msg"], e["type"]) for e in here] == [(True, self.type)], entries


@dataclass(frozen=True)
class Step(Case):
    """What a state makes of a payload."""

    state: dict[str, Any]
    payload: dict[str, Any]

    def enter(self) -> Outcome:
        states = {"A": self.state}
        for name in "BCD":
            if f'"{name}"' in json.dumps(self.state):
                states[name] = END
        flow = parse_flow({"StartAt": "A", "States": states})
        payload = Payload.of(self.payload)
        before = copy.deepcopy(self.payload)
        outcome = enter(flow, "A", payload, CONTEXT)
        assert payload.value == before
        return outcome


@dataclass(frozen=True)
class Becomes(Step):
    """A state that ends at once, with a payload."""

    expected: dict[str, Any]
    next: str | None = None

    def check(self) -> None:
        outcome = self.enter()
        assert isinstance(outcome, Moved), outcome
        assert outcome.payload.value == self.expected
        assert outcome.payload == Payload.of(self.expected)
        assert outcome.next == self.next


@dataclass(frozen=True)
class Fails(Step):
    """A state that fails."""

    exception: str
    cause: Any

    def check(self) -> None:
        outcome = self.enter()
        assert isinstance(outcome, Failed), outcome
        assert outcome.error.state_name == "A"
        assert outcome.error.exception == self.exception
        if isinstance(self.cause, str) and self.cause.startswith("..."):
            assert self.cause[3:] in outcome.error.cause
        else:
            assert outcome.error.cause == self.cause


@dataclass(frozen=True)
class Calls(Step):
    """A state that calls an action."""

    expected: dict[str, Any]

    def check(self) -> None:
        outcome = self.enter()
        assert isinstance(outcome, CallAction), outcome
        assert {name: getattr(outcome, name) for name in self.expected} == self.expected


@dataclass(frozen=True)
class Sleeps(Step):
    """A state that waits."""

    seconds: float | None = None
    until: datetime | None = None

    def check(self) -> None:
        assert self.enter() == Sleep(self.seconds, self.until)


@dataclass(frozen=True)
class Chooses(Case):
    """A rule of a Choice that holds, or does not, or fails."""

    rule: dict[str, Any]
    payload: dict[str, Any]
    expected: bool | str

    def check(self) -> None:
        state = {"Type": "Choice", "Choices": [{**self.rule, "Next": "B"}], "Default": "C"}
        flow = parse_flow({"StartAt": "A", "States": {"A": state, "B": END, "C": END}})
        payload = Payload.of(self.payload)
        outcome = enter(flow, "A", payload, CONTEXT)
        if isinstance(self.expected, str):
            assert isinstance(outcome, Failed), outcome
            assert outcome.error.exception == self.expected
        else:
            assert outcome == Moved("B" if self.expected else "C", payload)


@dataclass(frozen=True)
class Ends(Case):
    """An action that has ended, and what becomes of its state."""

    state: dict[str, Any]
    payload: dict[str, Any]
    document: dict[str, Any]
    expected: dict[str, Any] | StateError
    next: str | None = None

    def check(self) -> None:
        states = {"A": self.state, **({"B": END} if '"B"' in json.dumps(self.state) else {})}
        flow = parse_flow({"StartAt": "A", "States": states})
        before = copy.deepcopy((self.payload, self.document))
        outcome = complete_action(flow, "A", Payload.of(self.payload), self.document)
        assert (self.payload, self.document) == before
        _same(outcome, self.expected, self.next)


@dataclass(frozen=True)
class Raises(Case):
    """A failure of an action's state, and who takes it."""

    catch: list[dict[str, Any]] | None
    error: tuple[str, Any]
    expected: dict[str, Any] | StateError
    next: str | None = None
    payload: dict[str, Any] = field(default_factory=lambda: {"a": 1})
    state: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        state = {
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/hello_world",
            "Parameters": {},
            "ResultPath": "$.r",
            "End": True,
            **self.state,
        }
        state = {name: value for name, value in state.items() if value is not None}
        if self.catch is not None:
            state["Catch"] = self.catch
        used = json.dumps(state)
        states = {"A": state, **{n: END for n in "BC" if f'"{n}"' in used}}
        flow = parse_flow({"StartAt": "A", "States": states})
        error = StateError(*self.error, "A")
        _same(raise_in(flow, "A", Payload.of(self.payload), error), self.expected, self.next)


@dataclass(frozen=True)
class Reads(Case):
    """What a path leads to; ``...`` is nothing."""

    path: str
    payload: dict[str, Any]
    expected: Any

    def check(self) -> None:
        found = compile_path(self.path).resolve(self.payload, CONTEXT)
        if self.expected is ...:
            assert repr(found) == "MISSING"
        else:
            assert found == self.expected
            assert type(found) is type(self.expected)


@dataclass(frozen=True)
class NoPath(Case):
    """What is no path, and what is said of it."""

    path: str
    message: str

    def check(self) -> None:
        with pytest.raises(PathError) as caught:
            compile_path(self.path)
        assert self.message in str(caught.value)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 250


@dataclass(frozen=True)
class Gives(Case):
    """What an expression gives, to the type."""

    text: str
    expected: Any
    payload: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        before = copy.deepcopy(self.payload)
        value = compile_expression(self.text).evaluate(self.payload, CONTEXT)
        assert self.payload == before
        assert json.dumps(value) == json.dumps(self.expected)


@dataclass(frozen=True)
class GivesNothing(Case):
    """An expression that is refused, or that cannot be evaluated."""

    text: str
    message: str
    payload: dict[str, Any] = field(default_factory=dict)
    compiles: bool = True

    def check(self) -> None:
        if self.compiles:
            expression = compile_expression(self.text)
            with pytest.raises(ExpressionError) as caught:
                expression.evaluate(self.payload, CONTEXT)
        else:
            with pytest.raises(ExpressionSyntaxError) as caught:
                compile_expression(self.text)
        assert self.message in str(caught.value)
        assert "\n" not in str(caught.value)


@dataclass(frozen=True)
class Described(Case):
    """Metadata of a flow or a run, and the entries that the service answers."""

    document: dict[str, Any]
    expected: list[tuple[list[Any], str, str]]
    of: str = "flow"

    def check(self) -> None:
        tell = metadata_entries if self.of == "flow" else run_metadata_entries
        found = [(e["loc"], e["msg"], e["type"]) for e in tell(self.document)]
        assert found == self.expected


def _same(outcome: Outcome, expected: dict[str, Any] | StateError, following: str | None) -> None:
    if isinstance(expected, StateError):
        assert outcome == Failed(expected)
        return
    assert isinstance(outcome, Moved), outcome
    assert outcome.payload.value == expected
    assert outcome.payload == Payload.of(expected)
    assert outcome.next == following
