"""Refinement of abstract states by the rules of a Choice: where a rule holds, and where not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from headrace.flowlang.checker.analysis.abstract_state import (
    AbstractState,
    Atom,
    Steps,
    join_states,
)
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    NUMBER,
    STRING,
    JsonType,
    Presence,
)
from headrace.flowlang.checker.analysis.lookup import get, meet_at, remove, require
from headrace.flowlang.checker.analysis.schema_types import kinds_of
from headrace.flowlang.choice import (
    AllRule,
    AnyRule,
    CompareRule,
    MatchRule,
    NotRule,
    TestRule,
)
from headrace.flowlang.choice_operators import (
    COMPARISONS,
    IS_PRESENT,
    STRING_MATCHES,
    TYPE_TESTS,
)
from headrace.flowlang.paths import Path


def compared_kind(name: str) -> int:
    """Return the kind of the values that an operator compares."""
    return kinds_of(COMPARISONS[name].family.json_type)


def refine_by_rule(rule: Any, before: AbstractState, holds: bool) -> AbstractState | None:
    """Refine an abstract state by a rule that holds, or does not; None where that cannot be.

    A rule that asks for what is not there stops the run: after it, everything that it asks for
    was there.
    """
    return refine_both_ways(rule, before)[0 if holds else 1]


def refine_both_ways(
    rule: Any, before: AbstractState
) -> tuple[AbstractState | None, AbstractState | None]:
    """Refine an abstract state by a rule: where it holds, and where it does not."""
    if isinstance(rule, NotRule):
        held, failed = refine_both_ways(rule.rule, before)
        return failed, held
    if isinstance(rule, AllRule | AnyRule):
        return _refine_compound(rule, before)
    if not rule.variable.is_single:
        return before, before
    if isinstance(rule, TestRule):
        return _refine_test(rule, before, True), _refine_test(rule, before, False)
    if isinstance(rule, MatchRule):
        return _refine_match(rule, before, True), _refine_match(rule, before, False)
    if isinstance(rule, CompareRule):
        return _refine_comparison(rule, before, True), _refine_comparison(rule, before, False)
    return before, before


def _refine_compound(
    rule: AllRule | AnyRule, before: AbstractState
) -> tuple[AbstractState | None, AbstractState | None]:
    # An And evaluates its rules while they hold, an Or while they do not.
    every = isinstance(rule, AllRule)
    known: AbstractState | None = before
    stopped: AbstractState | None = None
    for inner in rule.rules:
        if known is None:
            break
        held, failed = refine_both_ways(inner, known)
        known, out = (held, failed) if every else (failed, held)
        if out is not None:
            stopped = (
                out
                if stopped is None
                else replace(join_states(stopped, out), provenance=before.provenance)
            )
    return (known, stopped) if every else (stopped, known)


def _refine_test(rule: TestRule, before: AbstractState, holds: bool) -> AbstractState | None:
    steps = rule.variable.steps
    truth = rule.expected is holds
    if rule.variable.reads_context:
        return _with_fact(before, before.payload, (steps, rule.name, None, ()), truth)
    if rule.name == IS_PRESENT:
        presence = get(before.payload, steps).presence
        if truth:
            json_type = require(before.payload, steps)
        else:
            json_type = None if presence == Presence.MUST else remove(before.payload, steps)
    else:
        test = TYPE_TESTS[rule.name]
        kind = kinds_of(test.json_type)
        otherwise = ALL & ~kind if test.is_exact else ALL
        json_type = require(before.payload, steps, kind if truth else otherwise)
    return _with_fact(before, json_type, (steps, rule.name, None, ()), truth)


def _refine_match(rule: MatchRule, before: AbstractState, holds: bool) -> AbstractState | None:
    atom: Atom = (rule.variable.steps, STRING_MATCHES, rule.literals, ())
    if rule.variable.reads_context:
        return _with_fact(before, before.payload, atom, holds)
    json_type = require(before.payload, rule.variable.steps, STRING if holds else ALL)
    return _with_fact(before, json_type, atom, holds)


def _refine_comparison(
    rule: CompareRule, before: AbstractState, holds: bool
) -> AbstractState | None:
    steps, operand = rule.variable.steps, rule.operand
    operator = COMPARISONS[rule.name]
    kind = compared_kind(rule.name)
    json_type: JsonType | None = before.payload
    paths = [rule.variable]
    if isinstance(operand, Path):
        if not operand.is_single:
            return before
        paths.append(operand)
    for path in paths:
        if json_type is not None and not path.reads_context:
            json_type = require(json_type, path.steps, kind if holds else ALL)
    if json_type is None:
        return None
    if not isinstance(operand, Path) and not rule.variable.reads_context:
        json_type = _filtered(json_type, steps, _comparer(rule), holds)
        is_value = operator.comparison.name == "Equals" and operator.family.is_exact
        if json_type is not None and holds and is_value:
            json_type = meet_at(
                json_type, steps, JsonType(kind, values=frozenset({(kind, operand)}))
            )
    other = operand.steps if isinstance(operand, Path) else ()
    key = None if isinstance(operand, Path) else operand
    atom: Atom = (steps, rule.name, key, other)
    is_number = kind == NUMBER and not isinstance(operand, Path)
    if holds and is_number and _out_of_bounds(before, steps, rule.name, operand):
        return None
    if not operator.opposite:
        return _with_fact(before, json_type, atom, holds)
    # Where one of the two holds, the other does not; the reverse is so between values that can
    # be compared at all.
    opposite_atom: Atom = (steps, operator.opposite, key, other)
    comparable = holds or all(_is_only(before.payload, path, kind) for path in paths)
    if comparable and before.truth_of(opposite_atom) is holds:
        return None
    refined = _with_fact(before, json_type, atom, holds)
    return (
        refined.refine(refined.payload, opposite_atom, not holds)
        if refined and comparable
        else refined
    )


def _out_of_bounds(before: AbstractState, steps: Steps, name: str, operand: float) -> bool:
    """Say whether the known bounds of a number contradict one more comparison."""
    known = [
        (COMPARISONS[atom[1]].comparison, atom[2])
        for atom, truth in before.facts
        if truth and atom[0] == steps and atom[1] in COMPARISONS and atom[2] is not None
        if compared_kind(atom[1]) == NUMBER
    ]
    bounds = [*known, (COMPARISONS[name].comparison, operand)]
    lowest = [(value, one.is_strict) for one, value in bounds if one.is_lower_bound]
    highest = [(value, one.is_strict) for one, value in bounds if one.is_upper_bound]
    return any(
        low > high or (low == high and (above or below))
        for low, above in lowest
        for high, below in highest
    )


def _comparer(rule: CompareRule) -> Callable[[Any], bool]:
    operator = COMPARISONS[rule.name]

    def holds(value: Any) -> bool:
        left = operator.family.read(value)
        return left is not None and bool(operator.comparison.holds(left, rule.operand))

    return holds


def _filtered(
    json_type: JsonType, steps: Steps, test: Callable[[Any], bool], holds: bool
) -> JsonType | None:
    """Remove the known values that contradict a test."""
    found = get(json_type, steps).json_type
    if found.values is None:
        return json_type
    values = frozenset(v for v in found.values if test(v[1]) is holds)
    return meet_at(json_type, steps, replace(found, values=values))


def _is_only(json_type: JsonType, path: Path, kind: int) -> bool:
    return not path.reads_context and get(json_type, path.steps).json_type.kinds == kind


def _with_fact(
    before: AbstractState, json_type: JsonType | None, atom: Atom, truth: bool
) -> AbstractState | None:
    if json_type is None or before.truth_of(atom) is (not truth):
        return None
    return before.refine(json_type, atom, truth)
