"""Every place that a state names, whatever is known of the payload."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.expression_paths import guards_of
from headrace.flowlang.checker.analysis.expressions import infer
from headrace.flowlang.checker.analysis.json_types import ANY
from headrace.flowlang.checker.analysis.uses import parts
from headrace.flowlang.choice import AllRule, AnyRule, CompareRule, NotRule
from headrace.flowlang.model import ChoiceState, PassState, State
from headrace.flowlang.parameters import Computed, Reference
from headrace.flowlang.paths import Path


def named_places(state: State) -> tuple[set[Steps], bool]:
    """Return the places that a state reads, and whether it may read others too.

    A place that is read as a whole stands for all below it.
    """
    places: set[Steps] = set()
    whole = False
    for _, part in parts(state):
        if isinstance(part, Reference):
            places.add(_names(part.path))
        elif isinstance(part, Computed):
            inferred = infer(part.expression, ANY)
            places |= {reading.steps for reading in inferred.readings}
            places |= guards_of(part.expression)[0]
            places |= {_names(path) for path in part.expression.paths.values()}
            whole = whole or inferred.whole
    places |= {_names(path) for path in _paths(state)}
    if isinstance(state, PassState) and state.result_path.steps:
        whole = whole or (
            state.parameters is None and state.input_path is None and state.result is None
        )
    return places - {()}, whole or () in places


def _paths(state: State) -> Iterator[Path]:
    for member in ("input_path", "seconds_path", "timestamp_path", "error", "cause"):
        path = getattr(state, member, None)
        if isinstance(path, Path):
            yield path
    if isinstance(state, ChoiceState):
        for rule, _ in state.rules:
            yield from rule_paths(rule)


def rule_paths(rule: Any) -> Iterator[Path]:
    """Yield the paths that a rule of a Choice asks for."""
    if isinstance(rule, NotRule):
        yield from rule_paths(rule.rule)
    elif isinstance(rule, AllRule | AnyRule):
        for inner in rule.rules:
            yield from rule_paths(inner)
    else:
        yield rule.variable
        if isinstance(rule, CompareRule) and isinstance(rule.operand, Path):
            yield rule.operand


def _names(path: Path) -> Steps:
    steps: Steps = ()
    for step in path.steps:
        if not isinstance(step, str | int):
            break
        steps = (*steps, step)
    return steps
