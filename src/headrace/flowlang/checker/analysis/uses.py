"""Uses of the payload by states, with their locations in the definition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headrace.flowlang.checker.analysis.abstract_state import AbstractState, Steps
from headrace.flowlang.checker.analysis.choice_conditions import refine_by_rule
from headrace.flowlang.checker.analysis.expressions import Inference, infer
from headrace.flowlang.checker.analysis.json_types import JsonType, Presence
from headrace.flowlang.checker.analysis.lookup import LookupResult, get
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
class StateUse:
    """Use of a path by a state, for one of its abstract states.

    Attributes:
        loc: location in the definition.
        steps: the path.
        found: what is known of it.
        always: whether it is read whenever the state is entered.
        guarded: whether the state handles its absence.
    """

    loc: Loc
    steps: Steps
    found: LookupResult
    always: bool = True
    guarded: bool = False


class InferenceCache:
    """Cache of inferences: each expression is inferred once for each type of the payload."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[Any, JsonType, Inference]] = {}

    def infer(self, part: Computed, payload: JsonType) -> Inference:
        """Infer an expression for a payload of a type."""
        key = (id(part), id(payload))
        known = self._known.get(key)
        if known is None:
            if len(self._known) > 20_000:
                self._known.clear()
            known = (part, payload, infer(part.expression, payload))
            self._known[key] = known
        return known[2]


def state_loc(name: str) -> Loc:
    """Return the location of a state in the definition."""
    return ("definition", "States", name)


def uses(state: State, before: AbstractState, inferences: InferenceCache) -> Iterator[StateUse]:
    """Yield the uses of a state for one of its abstract states."""
    loc, json_type = state_loc(state.name), before.payload
    for member, name in _PATH_MEMBERS.items():
        path = getattr(state, member, None)
        if isinstance(path, Path):
            yield _path_use(path, (*loc, name), json_type)
    if isinstance(state, FailState):
        for name, value in (("ErrorPath", state.error), ("CausePath", state.cause)):
            if isinstance(value, Path):
                yield _path_use(value, (*loc, name), json_type)
    for where, part in parameter_leaves(state):
        if isinstance(part, Reference):
            yield _path_use(part.path, where, json_type)
        elif isinstance(part, Computed):
            for read in inferences.infer(part, json_type).uses:
                yield StateUse(where, read.steps, read.found, read.always, read.guarded)
    if isinstance(state, ChoiceState):
        remaining: AbstractState | None = before
        for number, (rule, _) in enumerate(state.rules):
            if remaining is not None:
                yield from rule_uses(rule, (*loc, "Choices", number), remaining, number == 0)
                remaining = refine_by_rule(rule, remaining, False)


def parameter_leaves(state: State) -> Iterator[tuple[Loc, Any]]:
    """Yield every leaf of a state's Parameters with its location."""
    template = getattr(state, "parameters", None)
    if template is not None:
        yield from template_parts(template, (*state_loc(state.name), "Parameters"))


def template_parts(part: Any, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    """Yield every leaf of a template with its location."""
    if isinstance(part, ObjectTemplate):
        for name, member in part.members:
            yield from template_parts(member, (*loc, getattr(member, "key", name)))
    elif isinstance(part, ArrayTemplate):
        for number, item in enumerate(part.items):
            yield from template_parts(item, (*loc, number))
    else:
        yield loc, part


def _path_use(path: Path, loc: Loc, json_type: JsonType) -> StateUse:
    # A path with several matches finds a list, if only an empty one, once its root is there.
    steps = path.steps
    single: Steps = ()
    for step in steps:
        if not isinstance(step, str | int):
            break
        single = (*single, step)
    return StateUse(loc, single, get(json_type, single))


def rule_uses(rule: Any, loc: Loc, before: AbstractState, always: bool) -> Iterator[StateUse]:
    """Yield the uses of a rule of a Choice, as far as it is evaluated."""
    if isinstance(rule, AllRule | AnyRule):
        name = "And" if isinstance(rule, AllRule) else "Or"
        for number, inner in enumerate(rule.rules):
            yield from rule_uses(inner, (*loc, name, number), before, always and number == 0)
            # The rules of an And are evaluated while they hold, those of an Or while none does.
            after = refine_by_rule(inner, before, isinstance(rule, AllRule))
            if after is None:
                return
            before = after
    elif isinstance(rule, NotRule):
        yield from rule_uses(rule.rule, (*loc, "Not"), before, always)
    else:
        guarded = isinstance(rule, TestRule) and rule.name == "IsPresent"
        use = _path_use(rule.variable, (*loc, "Variable"), before.payload)
        yield StateUse(use.loc, use.steps, use.found, always, guarded)
        if isinstance(rule, CompareRule) and isinstance(rule.operand, Path):
            use = _path_use(rule.operand, (*loc, f"{rule.name}Path"), before.payload)
            yield StateUse(use.loc, use.steps, use.found, always)


def is_certain(use: StateUse) -> bool:
    """Say whether a run that leaves the state had a value at the path."""
    found = use.found
    return use.always and not use.guarded and found.presence != Presence.CANNOT
