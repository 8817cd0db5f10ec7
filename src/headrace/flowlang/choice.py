"""Rules of Choice states."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.flowlang.errors import FlowLanguageError
from headrace.flowlang.model import Rule
from headrace.flowlang.paths import MISSING, Path
from headrace.flowlang.timestamps import parse_timestamp

Comparison = Callable[[Any, Any], Any]


class MissingVariableError(FlowLanguageError):
    """A rule compares what is not in the payload."""


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else None


# How a family reads a value; what it cannot read is None, and equal to nothing.
FAMILIES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "String": _text,
    "Numeric": _number,
    "Boolean": _boolean,
    "Timestamp": parse_timestamp,
}
_COMPARISONS: Final[Mapping[str, Comparison]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
TYPE_TESTS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "IsPresent": lambda value: value is not MISSING,
    "IsNull": lambda value: value is None,
    "IsNumeric": lambda value: _number(value) is not None,
    "IsString": lambda value: isinstance(value, str),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: parse_timestamp(value) is not None,
}


def comparisons() -> dict[str, tuple[str, Comparison]]:
    """Return every comparing operator with its family; ``...Path`` forms are left out."""
    table = {
        family + name: (family, compare)
        for family in ("String", "Numeric", "Timestamp")
        for name, compare in _COMPARISONS.items()
    }
    return {**table, "BooleanEquals": ("Boolean", operator.eq)}


COMPARISONS: Final = comparisons()


@dataclass(frozen=True)
class CompareRule:
    """Compares a variable with a constant or with another place of the payload."""

    variable: Path
    name: str
    operand: Any
    _read: Callable[[Any], Any] = field(init=False, repr=False, compare=False)
    _compare: Comparison = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look up what the operator does."""
        family, compare = COMPARISONS[self.name]
        object.__setattr__(self, "_read", FAMILIES[family])
        object.__setattr__(self, "_compare", compare)

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
        if self.name == "IsPresent":
            value = self.variable.resolve(payload, context)
        else:
            value = _value(self.variable, "Variable", payload, context)
        return TYPE_TESTS[self.name](value) is self.expected


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
