"""Section 3.4: every operator, as a literal and as a path, and how rules combine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.support.flowlang.conformance.case import Becomes, Case, Chooses, Fails

PAYLOAD: dict[str, Any] = {
    "s": "banana",
    "n": 5,
    "flag": True,
    "off": False,
    "null": None,
    "o": {},
    "l": [1],
    "t": "2026-01-31T12:00:00Z",
    "low": {"String": "apple", "Numeric": -4.5, "Timestamp": "2026-01-31T12:30:00+01:00"},
    "same": {"String": "banana", "Numeric": 5.0, "Timestamp": "2026-01-31T13:00:00+01:00"},
    "high": {"String": "banana!", "Numeric": 5.5, "Timestamp": "2026-01-31T12:00:00.001Z"},
}
VARIABLES = {"String": "$.s", "Numeric": "$.n", "Timestamp": "$.t"}
# Whether a variable compares so with something lower, equal and higher.
ORDER = {
    "Equals": (False, True, False),
    "LessThan": (False, False, True),
    "GreaterThan": (True, False, False),
    "LessThanEquals": (False, True, True),
    "GreaterThanEquals": (True, True, False),
}
# What is of no family's type, and what is of another family's.
OTHER_TYPES = {"String": "$.n", "Numeric": "$.flag", "Timestamp": "$.s"}


def ordered() -> Iterator[Case]:
    for family, variable in VARIABLES.items():
        for name, results in ORDER.items():
            operator = family + name
            for where, expected in zip(("low", "same", "high"), results, strict=True):
                literal = {"Variable": variable, operator: PAYLOAD[where][family]}
                yield Chooses("3.4", f"{operator} {where}", literal, PAYLOAD, expected)
                path = {"Variable": variable, f"{operator}Path": f"$.{where}.{family}"}
                yield Chooses("3.4", f"{operator}Path {where}", path, PAYLOAD, expected)
            other = OTHER_TYPES[family]
            literal = {"Variable": other, operator: PAYLOAD["same"][family]}
            yield Chooses("3.4", f"{operator}: variable of another type", literal, PAYLOAD, False)
            path = {"Variable": variable, f"{operator}Path": other}
            yield Chooses("3.4", f"{operator}Path: operand of another type", path, PAYLOAD, False)
            path = {"Variable": variable, f"{operator}Path": "$.no"}
            yield Chooses("3.4", f"{operator}Path: absent", path, PAYLOAD, "States.Runtime")


def one(name: str, variable: str, operator: str, operand: Any, expected: bool | str) -> Case:
    rule = {"Variable": variable, operator: operand}
    return Chooses("3.4", f"{operator}: {name}", rule, PAYLOAD, expected)


OPERATORS = [
    one("true and true", "$.flag", "BooleanEquals", True, True),
    one("true and false", "$.flag", "BooleanEquals", False, False),
    one("false and false", "$.off", "BooleanEquals", False, True),
    one("1 is no boolean", "$.l[0]", "BooleanEquals", True, False),
    one("null is not false", "$.null", "BooleanEquals", False, False),
    one("the same", "$.flag", "BooleanEqualsPath", "$.flag", True),
    one("another", "$.flag", "BooleanEqualsPath", "$.off", False),
    one("no boolean", "$.flag", "BooleanEqualsPath", "$.n", False),
    one("case counts", "$.s", "StringEquals", "Banana", False),
    one("5 and 5.0", "$.n", "NumericEquals", 5.0, True),
    one("true is not 1", "$.flag", "NumericEquals", 1, False),
    one("'5' is not 5", "$.n", "StringEquals", "5", False),
    one("null is no number", "$.null", "NumericLessThan", 1, False),
    one("an object is no string", "$.o", "StringLessThan", "z", False),
    one("a list is no number", "$.l", "NumericGreaterThan", 0, False),
    one("offset", "$.t", "TimestampEquals", "2026-01-31T14:00:00+02:00", True),
    one("half-hour offset", "$.t", "TimestampEquals", "2026-01-31T17:30:00+05:30", True),
    one("no fraction and .000", "$.t", "TimestampEquals", "2026-01-31T12:00:00.000Z", True),
    one(
        "the day before, by zone", "$.t", "TimestampGreaterThan", "2026-01-31T23:00:00+12:00", True
    ),
    one("the whole text", "$.s", "StringMatches", "banana", True),
    one("a part", "$.s", "StringMatches", "banan", False),
    one("a star at the end", "$.s", "StringMatches", "ban*", True),
    one("a star at the beginning", "$.s", "StringMatches", "*ana", True),
    one("a star in the middle", "$.s", "StringMatches", "b*a", True),
    one("a star for nothing", "$.s", "StringMatches", "banana*", True),
    one("several stars", "$.s", "StringMatches", "*n*n*", True),
    one("one n too many", "$.s", "StringMatches", "*n*n*n*", False),
    one("pieces may not overlap", "$.s", "StringMatches", "banan*nana", False),
    one("a star alone", "$.s", "StringMatches", "*", True),
    one("an escaped star is a star", "$.s", "StringMatches", r"banan\*", False),
    one("no question mark", "$.s", "StringMatches", "banan?", False),
    one("no brackets", "$.s", "StringMatches", "banan[a]", False),
    one("no string", "$.n", "StringMatches", "*", False),
    one("thousands of stars", "$.s", "StringMatches", "*" + "a*" * 2000 + "z", False),
    one("null", "$.null", "IsNull", True, True),
    one("not null", "$.n", "IsNull", True, False),
    one("inverted", "$.n", "IsNull", False, True),
    one("false is not null", "$.off", "IsNull", True, False),
    one("there", "$.n", "IsPresent", True, True),
    one("null is there", "$.null", "IsPresent", True, True),
    one("not there", "$.no", "IsPresent", True, False),
    one("below what is not there", "$.no.deeper[3]", "IsPresent", True, False),
    one("inverted", "$.no", "IsPresent", False, True),
    one("inverted, there", "$.n", "IsPresent", False, False),
    one("an item", "$.l[0]", "IsPresent", True, True),
    one("an item that is not", "$.l[1]", "IsPresent", True, False),
    one("in the context", "$._context.run_id", "IsPresent", True, True),
    one("integer", "$.n", "IsNumeric", True, True),
    one("float", "$.low.Numeric", "IsNumeric", True, True),
    one("boolean is none", "$.flag", "IsNumeric", True, False),
    one("digits are none", "$.s", "IsNumeric", False, True),
    one("text", "$.s", "IsString", True, True),
    one("number", "$.n", "IsString", True, False),
    one("inverted", "$.n", "IsString", False, True),
    one("false", "$.off", "IsBoolean", True, True),
    one("number is none", "$.n", "IsBoolean", True, False),
    one("inverted", "$.null", "IsBoolean", False, True),
    one("RFC 3339", "$.t", "IsTimestamp", True, True),
    one("text is none", "$.s", "IsTimestamp", True, False),
    one("number is none", "$.n", "IsTimestamp", False, True),
]
# Only IsPresent asks for what is absent.
ABSENT = [
    one("absent", "$.no", name, operand, "States.Runtime")
    for name, operand in {
        "StringEquals": "a",
        "NumericLessThan": 1,
        "BooleanEquals": True,
        "TimestampGreaterThan": "2026-01-31T12:00:00Z",
        "StringMatches": "*",
        "IsNull": True,
        "IsNumeric": False,
        "IsString": True,
        "IsBoolean": True,
        "IsTimestamp": False,
    }.items()
]

TRUE = {"Variable": "$.flag", "BooleanEquals": True}
FALSE = {"Variable": "$.flag", "BooleanEquals": False}
BROKEN = {"Variable": "$.no", "NumericEquals": 1}


def combined(name: str, rule: dict[str, Any], expected: bool | str) -> Case:
    return Chooses("3.4", name, rule, PAYLOAD, expected)


COMBINATIONS = [
    combined("And: all hold", {"And": [TRUE, TRUE]}, True),
    combined("And: one does not", {"And": [TRUE, FALSE]}, False),
    combined("And: of one", {"And": [TRUE]}, True),
    combined("And: no further than needed", {"And": [FALSE, BROKEN]}, False),
    combined("And: as far as needed", {"And": [TRUE, BROKEN]}, "States.Runtime"),
    combined("Or: one holds", {"Or": [FALSE, TRUE]}, True),
    combined("Or: none holds", {"Or": [FALSE, FALSE]}, False),
    combined("Or: no further than needed", {"Or": [TRUE, BROKEN]}, True),
    combined("Or: as far as needed", {"Or": [FALSE, BROKEN]}, "States.Runtime"),
    combined("Not: does not hold", {"Not": FALSE}, True),
    combined("Not: holds", {"Not": TRUE}, False),
    combined("Not: an error stays one", {"Not": BROKEN}, "States.Runtime"),
    combined("nested", {"Not": {"And": [TRUE, {"Or": [FALSE, {"Not": TRUE}]}]}}, True),
    combined(
        "guarded by IsPresent",
        {"And": [{"Variable": "$.no", "IsPresent": True}, BROKEN]},
        False,
    ),
    Becomes(
        "3.4",
        "the first rule that holds",
        {
            "Type": "Choice",
            "Choices": [{**FALSE, "Next": "B"}, {**TRUE, "Next": "C"}, {**TRUE, "Next": "D"}],
        },
        PAYLOAD,
        PAYLOAD,
        "C",
    ),
    Becomes(
        "3.4",
        "Default",
        {"Type": "Choice", "Choices": [{**FALSE, "Next": "B"}], "Default": "C"},
        PAYLOAD,
        PAYLOAD,
        "C",
    ),
    Fails(
        "3.4",
        "no match and no Default",
        {"Type": "Choice", "Choices": [{**FALSE, "Next": "B"}]},
        PAYLOAD,
        "States.NoChoiceMatched",
        "No rule of the state 'A' matched, and it has no Default.",
    ),
    Fails(
        "7.3",
        "an absent Variable",
        {"Type": "Choice", "Choices": [{**BROKEN, "Next": "B"}]},
        PAYLOAD,
        "States.Runtime",
        "The path '$.no' specified for the field 'Variable' could not be found in the state input.",
    ),
    Fails(
        "7.3",
        "an absent operand",
        {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericEqualsPath": "$.no", "Next": "B"}],
        },
        PAYLOAD,
        "States.Runtime",
        "The path '$.no' specified for the field 'NumericEqualsPath' "
        "could not be found in the state input.",
    ),
]

CASES: list[Case] = [*ordered(), *OPERATORS, *ABSENT, *COMBINATIONS]
