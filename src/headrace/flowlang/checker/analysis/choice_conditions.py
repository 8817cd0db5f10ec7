"""What is known where a rule of a Choice holds, and where it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from headrace.flowlang.checker.analysis.abstract_state import Atom, Situation, Steps, joined
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    BOOLEAN,
    NULL,
    NUMBER,
    STRING,
    Presence,
    Shape,
)
from headrace.flowlang.checker.analysis.lookup import assure, forget, look, narrow
from headrace.flowlang.choice import (
    COMPARISONS,
    FAMILIES,
    AllRule,
    AnyRule,
    CompareRule,
    MatchRule,
    NotRule,
    TestRule,
)
from headrace.flowlang.paths import Path

FAMILY_KINDS: Final = {
    "String": STRING,
    "Numeric": NUMBER,
    "Boolean": BOOLEAN,
    "Timestamp": STRING,
}
_TESTED: Final = {"IsNull": NULL, "IsNumeric": NUMBER, "IsString": STRING, "IsBoolean": BOOLEAN}
# What holds exactly where the other does not, between values of the family.
_OPPOSITE: Final = {"GreaterThanEquals": "LessThan", "GreaterThan": "LessThanEquals"}


def refined(rule: Any, before: Situation, holds: bool) -> Situation | None:
    """Return what is known where a rule holds, or does not; None where that cannot be.

    A rule that asks for what is not there stops the run: after it, everything that it asks for
    was there.
    """
    return outcomes(rule, before)[0 if holds else 1]


def outcomes(rule: Any, before: Situation) -> tuple[Situation | None, Situation | None]:
    """Return what is known where a rule holds, and where it does not."""
    if isinstance(rule, NotRule):
        held, failed = outcomes(rule.rule, before)
        return failed, held
    if isinstance(rule, AllRule | AnyRule):
        return _together(rule, before)
    if not rule.variable.is_single:
        return before, before
    if isinstance(rule, TestRule):
        return _tested(rule, before, True), _tested(rule, before, False)
    if isinstance(rule, MatchRule):
        return _matched(rule, before, True), _matched(rule, before, False)
    if isinstance(rule, CompareRule):
        return _compared(rule, before, True), _compared(rule, before, False)
    return before, before


def _together(
    rule: AllRule | AnyRule, before: Situation
) -> tuple[Situation | None, Situation | None]:
    # An And goes on asking while its rules hold, an Or while they do not.
    every = isinstance(rule, AllRule)
    known: Situation | None = before
    stopped: Situation | None = None
    for inner in rule.rules:
        if known is None:
            break
        held, failed = outcomes(inner, known)
        known, out = (held, failed) if every else (failed, held)
        if out is not None:
            stopped = out if stopped is None else replace(joined(stopped, out), trail=before.trail)
    return (known, stopped) if every else (stopped, known)


def _tested(rule: TestRule, before: Situation, holds: bool) -> Situation | None:
    steps = rule.variable.steps
    truth = rule.expected is holds
    if rule.variable.reads_context:
        return _noted(before, before.shape, (steps, rule.name, None, ()), truth)
    if rule.name == "IsPresent":
        presence = look(before.shape, steps).presence
        if truth:
            shape = assure(before.shape, steps)
        else:
            shape = None if presence == Presence.MUST else forget(before.shape, steps)
    elif rule.name in _TESTED:
        kind = _TESTED[rule.name]
        shape = assure(before.shape, steps, kind if truth else ALL & ~kind)
    else:
        shape = assure(before.shape, steps, STRING if truth else ALL)
    return _noted(before, shape, (steps, rule.name, None, ()), truth)


def _matched(rule: MatchRule, before: Situation, holds: bool) -> Situation | None:
    atom: Atom = (rule.variable.steps, "StringMatches", rule.literals, ())
    if rule.variable.reads_context:
        return _noted(before, before.shape, atom, holds)
    shape = assure(before.shape, rule.variable.steps, STRING if holds else ALL)
    return _noted(before, shape, atom, holds)


def _compared(rule: CompareRule, before: Situation, holds: bool) -> Situation | None:
    steps, operand = rule.variable.steps, rule.operand
    family = COMPARISONS[rule.name][0]
    kind = FAMILY_KINDS[family]
    shape: Shape | None = before.shape
    paths = [rule.variable]
    if isinstance(operand, Path):
        if not operand.is_single:
            return before
        paths.append(operand)
    for path in paths:
        if shape is not None and not path.reads_context:
            shape = assure(shape, path.steps, kind if holds else ALL)
    if shape is None:
        return None
    if not isinstance(operand, Path) and not rule.variable.reads_context:
        shape = _filtered(shape, steps, _comparer(rule), holds)
        if shape is not None and holds and rule.name in {"StringEquals", "BooleanEquals"}:
            shape = narrow(shape, steps, Shape(kind, values=frozenset({(kind, operand)})))
    other = operand.steps if isinstance(operand, Path) else ()
    key = None if isinstance(operand, Path) else operand
    atom: Atom = (steps, rule.name, key, other)
    is_number = family == "Numeric" and not isinstance(operand, Path)
    if holds and is_number and _out_of_bounds(before, steps, rule.name[len(family) :], operand):
        return None
    opposite = _OPPOSITE.get(rule.name.removeprefix(family))
    if opposite is None:
        return _noted(before, shape, atom, holds)
    # Where one of the two holds, the other does not; the reverse is so between values that can
    # be compared at all.
    against: Atom = (steps, family + opposite, key, other)
    comparable = holds or all(_is_only(before.shape, path, kind) for path in paths)
    if comparable and before.knows(against) is holds:
        return None
    noted = _noted(before, shape, atom, holds)
    return noted.learns(noted.shape, against, not holds) if noted and comparable else noted


def _out_of_bounds(before: Situation, steps: Steps, name: str, operand: float) -> bool:
    """Say whether no number compares so that compares as it is known to."""
    known = [
        (atom[1].removeprefix("Numeric"), atom[2])
        for atom, truth in before.facts
        if truth and atom[0] == steps and atom[1].startswith("Numeric") and atom[2] is not None
    ]
    lowest = [(value, op == "GreaterThan") for op, value in [*known, (name, operand)]
              if op in {"Equals", "GreaterThan", "GreaterThanEquals"}]  # fmt: skip
    highest = [(value, op == "LessThan") for op, value in [*known, (name, operand)]
               if op in {"Equals", "LessThan", "LessThanEquals"}]  # fmt: skip
    return any(
        low > high or (low == high and (above or below))
        for low, above in lowest
        for high, below in highest
    )


def _comparer(rule: CompareRule) -> Callable[[Any], bool]:
    family, compare = COMPARISONS[rule.name]
    read = FAMILIES[family]

    def holds(value: Any) -> bool:
        left = read(value)
        return left is not None and bool(compare(left, rule.operand))

    return holds


def _filtered(shape: Shape, steps: Steps, test: Callable[[Any], bool], holds: bool) -> Shape | None:
    """Leave out the known values for which a test comes out otherwise."""
    found = look(shape, steps).shape
    if found.values is None:
        return shape
    values = frozenset(v for v in found.values if test(v[1]) is holds)
    return narrow(shape, steps, replace(found, values=values))


def _is_only(shape: Shape, path: Path, kind: int) -> bool:
    return not path.reads_context and look(shape, path.steps).shape.kinds == kind


def _noted(before: Situation, shape: Shape | None, atom: Atom, truth: bool) -> Situation | None:
    if shape is None or before.knows(atom) is (not truth):
        return None
    return before.learns(shape, atom, truth)
