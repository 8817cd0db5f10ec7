"""Rules of Choice states."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.flowlang.choice_operators import COMPARISONS, IS_PRESENT, TYPE_TESTS
from headrace.flowlang.errors import FlowLanguageError
from headrace.flowlang.model import Rule
from headrace.flowlang.paths import MISSING, Path


class MissingVariableError(FlowLanguageError):
    """A rule compares what is not in the payload."""


@dataclass(frozen=True)
class CompareRule:
    """Compares a variable with a constant or with another place of the payload."""

    variable: Path
    name: str
    operand: Any
    _read: Callable[[Any], Any] = field(init=False, repr=False, compare=False)
    _compare: Callable[[Any, Any], Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look up what the operator does."""
        operator = COMPARISONS[self.name]
        object.__setattr__(self, "_read", operator.family.read)
        object.__setattr__(self, "_compare", operator.comparison.holds)

    def matches(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
        """Say whether the comparison holds; values of other types are never equal or ordered."""
        left = self._read(_value(self.variable, "Variable", payload, context))
        right = self.operand
        if right.__class__ is Path:
            right = self._read(_value(right, f"{self.name}Path", payload, context))
        return left is not None and right is not None and bool(self._compare(left, right))


@dataclass(frozen=True)
class TestRule:
    """Tests what kind of value a variable is."""

    __test__ = False

    variable: Path
    name: str
    expected: bool

    def matches(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
        """Say whether the test comes out as expected; only IsPresent asks for what is absent."""
        if self.name == IS_PRESENT:
            value = self.variable.resolve(payload, context)
        else:
            value = _value(self.variable, "Variable", payload, context)
        return TYPE_TESTS[self.name].holds(value) is self.expected


@dataclass(frozen=True)
class MatchRule:
    """Compares a text with a pattern in which ``*`` stands for any text."""

    variable: Path
    literals: tuple[str, ...]

    def matches(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
        """Say whether the whole text fits."""
        value = _value(self.variable, "Variable", payload, context)
        return isinstance(value, str) and _fits(value, self.literals)


@dataclass(frozen=True)
class AllRule:
    """Holds when all of its rules do."""

    rules: tuple[Rule, ...]

    def matches(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
        """Say whether all hold, asking no further than needed."""
        return all(rule.matches(payload, context) for rule in self.rules)


@dataclass(frozen=True)
class AnyRule:
    """Holds when one of its rules does."""

    rules: tuple[Rule, ...]

    def matches(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
        """Say whether one holds, asking no further than needed."""
        return any(rule.matches(payload, context) for rule in self.rules)


@dataclass(frozen=True)
class NotRule:
    """Holds when its rule does not."""

    rule: Rule

    def matches(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
        """Say whether the rule does not hold."""
        return not self.rule.matches(payload, context)


def _value(path: Path, field: str, payload: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
    value = path.resolve(payload, context)
    if value is MISSING:
        raise MissingVariableError(
            f"The path '{path.text}' specified for the field '{field}' "
            "could not be found in the state input."
        )
    return value


def literals(pattern: str) -> tuple[str, ...]:
    """Split a pattern at its ``*``; a backslash takes the next character literally."""
    parts = [""]
    for piece in re.findall(r"\\.|.", pattern, re.DOTALL):
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += piece[1:] if len(piece) == 2 else piece
    return tuple(parts)


def _fits(text: str, parts: tuple[str, ...]) -> bool:
    first, *rest = parts
    if not rest:
        return text == first
    last = rest.pop()
    if not (text.startswith(first) and text.endswith(last)):
        return False
    # The leftmost place of each part leaves most room for the others: no backtracking.
    position, end = len(first), len(text) - len(last)
    for part in rest:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return position <= end
