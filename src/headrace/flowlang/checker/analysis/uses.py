"""What each state reads of the payload, and where in the definition that is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headrace.flowlang.checker.analysis.abstract_state import Situation, Steps
from headrace.flowlang.checker.analysis.choice_conditions import refined
from headrace.flowlang.checker.analysis.expressions import Inferred, infer
from headrace.flowlang.checker.analysis.json_types import Presence, Shape
from headrace.flowlang.checker.analysis.lookup import Found, look
from headrace.flowlang.checker.report.finding import Loc
from headrace.flowlang.choice import AllRule, AnyRule, CompareRule, NotRule, TestRule
from headrace.flowlang.model import ChoiceState, FailState, State
from headrace.flowlang.parameters import ArrayTemplate, Computed, ObjectTemplate, Reference
from headrace.flowlang.paths import Path

_PATH_MEMBERS = {
    "input_path": "InputPath",
    "seconds_path": "SecondsPath",
    "timestamp_path": "TimestampPath",
}


@dataclass(frozen=True)
class StateReading:
    """One place that a state reads, as it is on one way to the state.

    Attributes:
        loc: where the reading stands in the definition.
        steps: the way to the place.
        found: what is known of it.
        always: whether it is read whenever the state is entered.
        guarded: whether the state copes with its absence.
    """

    loc: Loc
    steps: Steps
    found: Found
    always: bool = True
    guarded: bool = False


class Inferences:
    """What expressions read and give; each is worked out once for each shape."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[Any, Shape, Inferred]] = {}

    def of(self, part: Computed, payload: Shape) -> Inferred:
        """Return what is known of an expression where the payload is of a shape."""
        key = (id(part), id(payload))
        known = self._known.get(key)
        if known is None:
            if len(self._known) > 20_000:
                self._known.clear()
            known = (part, payload, infer(part.expression, payload))
            self._known[key] = known
        return known[2]


def state_loc(name: str) -> Loc:
    """Return where a state stands."""
    return ("definition", "States", name)


def readings(state: State, before: Situation, inferences: Inferences) -> Iterator[StateReading]:
    """Yield what a state reads where a run comes to it in a situation."""
    loc, shape = state_loc(state.name), before.shape
    for member, name in _PATH_MEMBERS.items():
        path = getattr(state, member, None)
        if isinstance(path, Path):
            yield _of_path(path, (*loc, name), shape)
    if isinstance(state, FailState):
        for name, value in (("ErrorPath", state.error), ("CausePath", state.cause)):
            if isinstance(value, Path):
                yield _of_path(value, (*loc, name), shape)
    for where, part in parts(state):
        if isinstance(part, Reference):
            yield _of_path(part.path, where, shape)
        elif isinstance(part, Computed):
            for read in inferences.of(part, shape).readings:
                yield StateReading(where, read.steps, read.found, read.always, read.guarded)
    if isinstance(state, ChoiceState):
        left: Situation | None = before
        for number, (rule, _) in enumerate(state.rules):
            if left is not None:
                yield from rule_readings(rule, (*loc, "Choices", number), left, number == 0)
                left = refined(rule, left, False)


def parts(state: State) -> Iterator[tuple[Loc, Any]]:
    """Yield every leaf of a state's Parameters, and where it stands."""
    template = getattr(state, "parameters", None)
    if template is not None:
        yield from template_parts(template, (*state_loc(state.name), "Parameters"))


def template_parts(part: Any, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    """Yield every leaf of a template, and where it stands."""
    if isinstance(part, ObjectTemplate):
        for name, member in part.members:
            yield from template_parts(member, (*loc, getattr(member, "key", name)))
    elif isinstance(part, ArrayTemplate):
        for number, item in enumerate(part.items):
            yield from template_parts(item, (*loc, number))
    else:
        yield loc, part


def _of_path(path: Path, loc: Loc, shape: Shape) -> StateReading:
    # A path with several matches finds a list, if only an empty one, once its root is there.
    steps = path.steps
    single: Steps = ()
    for step in steps:
        if not isinstance(step, str | int):
            break
        single = (*single, step)
    return StateReading(loc, single, look(shape, single))


def rule_readings(rule: Any, loc: Loc, before: Situation, always: bool) -> Iterator[StateReading]:
    """Yield what a rule of a Choice asks for, as far as it is asked."""
    if isinstance(rule, AllRule | AnyRule):
        name = "And" if isinstance(rule, AllRule) else "Or"
        for number, inner in enumerate(rule.rules):
            yield from rule_readings(inner, (*loc, name, number), before, always and number == 0)
            # The rules of an And are asked one after the other, those of an Or while none held.
            after = refined(inner, before, isinstance(rule, AllRule))
            if after is None:
                return
            before = after
    elif isinstance(rule, NotRule):
        yield from rule_readings(rule.rule, (*loc, "Not"), before, always)
    else:
        guarded = isinstance(rule, TestRule) and rule.name == "IsPresent"
        reading = _of_path(rule.variable, (*loc, "Variable"), before.shape)
        yield StateReading(reading.loc, reading.steps, reading.found, always, guarded)
        if isinstance(rule, CompareRule) and isinstance(rule.operand, Path):
            reading = _of_path(rule.operand, (*loc, f"{rule.name}Path"), before.shape)
            yield StateReading(reading.loc, reading.steps, reading.found, always)


def is_certain(reading: StateReading) -> bool:
    """Say whether a run that goes on after the state had something there."""
    found = reading.found
    return reading.always and not reading.guarded and found.presence != Presence.CANNOT
