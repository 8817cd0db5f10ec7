"""Paths that a state names, whatever is known of the payload."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.expression_paths import guarded_paths
from headrace.flowlang.checker.analysis.expressions import infer
from headrace.flowlang.checker.analysis.json_types import ANY
from headrace.flowlang.checker.analysis.uses import parameter_leaves
from headrace.flowlang.choice import AllRule, AnyRule, CompareRule, NotRule
from headrace.flowlang.model import ActionState, ChoiceState, Flow, PassState, State
from headrace.flowlang.parameters import Computed, Reference
from headrace.flowlang.paths import Path


def referenced_paths(state: State) -> tuple[set[Steps], bool]:
    """Return the paths that a state reads, and whether it may read others too.

    A path that is read includes all below it.
    """
    places: set[Steps] = set()
    reads_all = False
    for _, part in parameter_leaves(state):
        if isinstance(part, Reference):
            places.add(_single_steps(part.path))
        elif isinstance(part, Computed):
            inference = infer(part.expression, ANY)
            places |= {use.steps for use in inference.uses}
            places |= guarded_paths(part.expression)[0]
            places |= {_single_steps(path) for path in part.expression.paths.values()}
            reads_all = reads_all or inference.reads_unnamed_paths
    places |= {_single_steps(path) for path in _paths(state)}
    if isinstance(state, PassState) and state.result_path.steps:
        reads_all = reads_all or (
            state.parameters is None and state.input_path is None and state.result is None
        )
    return places - {()}, reads_all or () in places


def _paths(state: State) -> Iterator[Path]:
    for member in ("input_path", "seconds_path", "timestamp_path", "error", "cause"):
        path = getattr(state, member, None)
        if isinstance(path, Path):
            yield path
    if isinstance(state, ChoiceState):
        for rule, _ in state.rules:
            yield from rule_paths(rule)


def rule_paths(rule: Any) -> Iterator[Path]:
    """Yield the paths that a rule of a Choice reads."""
    if isinstance(rule, NotRule):
        yield from rule_paths(rule.rule)
    elif isinstance(rule, AllRule | AnyRule):
        for inner in rule.rules:
            yield from rule_paths(inner)
    else:
        yield rule.variable
        if isinstance(rule, CompareRule) and isinstance(rule.operand, Path):
            yield rule.operand


def _single_steps(path: Path) -> Steps:
    steps: Steps = ()
    for step in path.steps:
        if not isinstance(step, str | int):
            break
        steps = (*steps, step)
    return steps


def result_is_read(flow: Flow, action: ActionState) -> bool:
    """Say whether a state reads something of an action's result, or the whole payload."""
    steps = action.result_path.steps
    for state in flow.states.values():
        places, reads_all = referenced_paths(state)
        if reads_all and state is not action:
            return True
        if any(place[: len(steps)] == steps for place in places):
            return True
    return False
