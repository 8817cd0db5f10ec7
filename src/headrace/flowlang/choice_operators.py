"""Operators of Choice rules: one declaration each, for parsing, execution, checker and drawings.

A comparison is added by a line in ``_COMPARISONS`` or ``_FAMILIES``, a test of a value's type by a
line in ``_TYPE_TESTS``: its name, its meaning, and what is known of the payload where it holds.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.flowlang.paths import MISSING
from headrace.flowlang.timestamps import parse_timestamp


@dataclass(frozen=True)
class Family:
    """Values that operators compare with each other.

    Attributes:
        name: the operators' names begin with it.
        read: returns a value as it is compared; None where it cannot be, which is equal to nothing.
        json_type: JSON type of all values that can be read.
        is_ordered: whether values can be less or greater.
        is_exact: whether a value that equals another is the same JSON text.
    """

    name: str
    read: Callable[[Any], Any]
    json_type: str
    is_ordered: bool = True
    is_exact: bool = False


@dataclass(frozen=True)
class Comparison:
    """Comparison of two values of a family.

    Attributes:
        name: the operators' names end with it.
        sign: how drawings show it.
        holds: the comparison.
        opposite: the one that holds exactly where this does not; given once for each pair.
        is_lower_bound: whether the right value is a lower bound of the left one where it holds.
        is_upper_bound: likewise an upper bound.
        is_strict: whether the bound itself is excluded.
    """

    name: str
    sign: str
    holds: Callable[[Any, Any], Any]
    opposite: str = ""
    is_lower_bound: bool = False
    is_upper_bound: bool = False
    is_strict: bool = False


@dataclass(frozen=True)
class ComparisonOperator:
    """Operator that compares a variable; with ``Path`` at its end, with another variable."""

    family: Family
    comparison: Comparison

    @property
    def name(self) -> str:
        """Name of the operator."""
        return self.family.name + self.comparison.name

    @property
    def opposite(self) -> str:
        """Name of the operator that holds exactly where this does not, where one is given."""
        opposite = self.comparison.opposite
        return self.family.name + opposite if opposite else ""


@dataclass(frozen=True)
class TypeTest:
    """Operator that tests the type of a variable.

    Attributes:
        name: name of the operator.
        holds: the test of a value.
        json_type: JSON type of all values that pass; empty where values of any type can.
        is_exact: whether all values of that JSON type pass.
    """

    name: str
    holds: Callable[[Any], bool]
    json_type: str = ""
    is_exact: bool = True


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else None


_FAMILIES: Final = (
    Family("String", _text, "string", is_exact=True),
    Family("Numeric", _number, "number"),
    Family("Boolean", _boolean, "boolean", is_ordered=False, is_exact=True),
    Family("Timestamp", parse_timestamp, "string"),
)
_EQUALS: Final = Comparison("Equals", "=", operator.eq, is_lower_bound=True, is_upper_bound=True)
_COMPARISONS: Final = (
    _EQUALS,
    Comparison("LessThan", "<", operator.lt, is_upper_bound=True, is_strict=True),
    Comparison(
        "GreaterThan", ">", operator.gt, "LessThanEquals", is_lower_bound=True, is_strict=True
    ),
    Comparison("LessThanEquals", "≤", operator.le, is_upper_bound=True),
    Comparison("GreaterThanEquals", "≥", operator.ge, "LessThan", is_lower_bound=True),
)
IS_PRESENT: Final = "IsPresent"
_TYPE_TESTS: Final = (
    TypeTest(IS_PRESENT, lambda value: value is not MISSING),
    TypeTest("IsNull", lambda value: value is None, "null"),
    TypeTest("IsNumeric", lambda value: _number(value) is not None, "number"),
    TypeTest("IsString", lambda value: isinstance(value, str), "string"),
    TypeTest("IsBoolean", lambda value: isinstance(value, bool), "boolean"),
    TypeTest(
        "IsTimestamp", lambda value: parse_timestamp(value) is not None, "string", is_exact=False
    ),
)

COMPARISONS: Final[Mapping[str, ComparisonOperator]] = {
    one.name: one
    for family in _FAMILIES
    for comparison in (_COMPARISONS if family.is_ordered else (_EQUALS,))
    for one in (ComparisonOperator(family, comparison),)
}
TYPE_TESTS: Final[Mapping[str, TypeTest]] = {test.name: test for test in _TYPE_TESTS}
STRING_MATCHES: Final = "StringMatches"
OPERATORS: Final = frozenset(
    {*COMPARISONS, *(f"{name}Path" for name in COMPARISONS), *TYPE_TESTS, STRING_MATCHES}
)
