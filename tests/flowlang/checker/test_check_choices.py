"""The checker: rules of a Choice that never or always hold, and a Default that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.flowlang.check_builders import (
    ALWAYS,
    NEVER,
    NO_DEFAULT,
    choice,
    codes,
    found,
    present,
    rule,
)
from tests.support.flowlang.flow_builders import END, action, flow


def asked(*rules: dict[str, Any], default: str | None = "C", **more: Any) -> dict[str, Any]:
    return flow(A=choice(list(rules), default), B=END, C=END, **more)


def after(rules: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """A Choice after an Action."""
    return flow(A=action(End=None, Next="D", **fields), D=choice(rules, "C"), B=END, C=END)


STATUS = [rule("$.r.status", "StringEquals", "FAILED", "B")]
CASES = [
    ("a string", asked(rule("$.a", "StringEquals", "x", "B")), []),
    ("a string as a number", asked(rule("$.a", "NumericEquals", 1, "B")), [NEVER]),
    ("a number as a string", asked(rule("$.n", "StringMatches", "x*", "B")), [NEVER]),
    ("a number as a time", asked(rule("$.n", "TimestampEquals", "2026-01-01T00:00:00Z", "B")),
     [NEVER]),
    ("a constant that the schema has", asked(rule("$.mode", "StringEquals", "fast", "B")), []),
    ("and one that it has not", asked(rule("$.mode", "StringEquals", "medium", "B")), [NEVER]),
    ("IsString of a number", asked(rule("$.n", "IsString", True, "B")), [NEVER]),
    ("IsString false of a number", asked(rule("$.n", "IsString", False, "B")), [ALWAYS]),
    ("IsPresent of what is required", asked(present("$.a", "B")), [ALWAYS]),
    ("IsPresent of what cannot be", asked(present("$.no", "B")), [NEVER]),
    ("IsPresent of what may be", asked(present("$.maybe", "B")), []),
    ("a comparison of a number with a string's path",
     asked(rule("$.n", "NumericEqualsPath", "$.a", "B")), [NEVER]),
    ("the same rule twice",
     asked(rule("$.a", "StringEquals", "x", "B"), rule("$.a", "StringEquals", "x", "C")), [NEVER]),
    ("both of two constants, then any",
     asked(rule("$.mode", "StringEquals", "fast", "B"), rule("$.mode", "StringEquals", "slow", "C"),
           rule("$.n", "NumericEquals", 1, "B")), [ALWAYS]),
    ("what an And cannot be", asked({"And": [rule("$.a", "StringEquals", "x"),
                                             rule("$.a", "StringEquals", "y")], "Next": "B"}),
     [NEVER]),
    ("what an Or can be", asked({"Or": [rule("$.a", "StringEquals", "x"),
                                        rule("$.a", "StringEquals", "y")], "Next": "B"}), []),
    ("what a part of an Or cannot be",
     asked({"Or": [rule("$.a", "StringEquals", "x"), rule("$.a", "NumericEquals", 1)],
            "Next": "B"}), [NEVER]),
    ("what a part of an And within an Or cannot be",
     asked({"Or": [rule("$.a", "StringEquals", "x"),
                   {"And": [rule("$.n", "NumericEquals", 1),
                            rule("$.mode", "StringEquals", "no")]}],
            "Next": "B"}), [NEVER]),
    ("what Not asks can never be", asked({"And": [rule("$.a", "StringEquals", "x"),
                                                  {"Not": rule("$.n", "StringEquals", "x")}],
                                          "Next": "B"}), [NEVER]),
    ("care for what is always there",
     asked({"Or": [rule("$.a", "IsPresent", False), rule("$.a", "StringEquals", "")],
            "Next": "B"}), []),
    ("care for what cannot be there",
     asked({"Or": [rule("$.typo", "IsPresent", True), rule("$.a", "StringEquals", "")],
            "Next": "B"}), [NEVER]),
    ("a number that is less, and not", asked(rule("$.n", "NumericLessThan", 1, "B"),
                                            rule("$.n", "NumericGreaterThanEquals", 1, "B")),
     []),
    ("all of two constants, and a Default in case",
     asked(rule("$.mode", "StringEquals", "fast", "B"),
           rule("$.mode", "StringEquals", "slow", "B")), []),
    ("3.1 a failure is raised: its status cannot be read", after(STATUS), [NEVER]),
    ("3.1 unless it is not", after(STATUS, ExceptionOnActionFailure=False), []),
    ("a flow's run can end otherwise",
     after(STATUS, ActionUrl="https://flows.globus.org/flows/1", WaitTime=9000), []),
    ("a rule that asks for what is not there is told as such",
     asked(rule("$.no", "StringEquals", "x", "B")), [("error", "path-cannot-exist")]),
    ("no Default", asked(rule("$.a", "StringEquals", "x", "B"), default=None,
                         D={**END, "Comment": ""}), None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "definition", "expected"), CASES, ids=[c[0] for c in CASES])
def test_rules(
    name: str, definition: dict[str, Any], expected: list[tuple[str, str]] | None
) -> None:
    findings = found(definition)
    if expected is None:
        assert ("error", "unreachable-state") in codes(findings)
    else:
        assert codes(findings) == expected, (name, findings)


NEEDED = [
    ("one constant of many", [rule("$.a", "StringEquals", "x", "B")], True),
    ("all constants that there are",
     [rule("$.mode", "StringEquals", "fast", "B"), rule("$.mode", "StringEquals", "slow", "B")],
     False),
    ("true and false", [rule("$.flag", "BooleanEquals", True, "B"),
                        rule("$.flag", "BooleanEquals", False, "B")], False),
    ("there and not there", [present("$.maybe", "B"), present("$.maybe", "B", False)], False),
    ("less and not less", [rule("$.n", "NumericLessThan", 1, "B"),
                           rule("$.n", "NumericGreaterThanEquals", 1, "B")], False),
    ("less and more", [rule("$.n", "NumericLessThan", 1, "B"),
                       rule("$.n", "NumericGreaterThan", 1, "B")], True),
    ("a rule and its opposite", [rule("$.a", "StringMatches", "x*", "B"),
                                 {"Not": rule("$.a", "StringMatches", "x*"), "Next": "B"}], False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "rules", "needed"), NEEDED, ids=[c[0] for c in NEEDED])
@pytest.mark.parametrize("known", [True, False])
def test_a_default_is_missed_only_where_no_rule_need_hold(
    name: str, rules: list[dict[str, Any]], needed: bool, known: bool
) -> None:
    definition = flow(A=choice(rules), B=END)
    # Without a schema a value can be of any type: true and false are taken for all there is.
    findings = found(definition) if known else found(definition, None)
    wanted = [NO_DEFAULT] if needed or (not known and "constants" in name) else []
    assert codes(findings) == wanted, findings


def test_the_reason_is_said() -> None:
    for definition, said in [
        (asked(rule("$.a", "NumericEquals", 1, "B")), "$.a is a string, and it compares a number"),
        (asked(rule("$.mode", "StringEquals", "x", "B")), "$.mode can only be 'fast', 'slow'"),
        (after(STATUS), "$.r.status can only be 'SUCCEEDED'"),
        (asked(present("$.a", "B")), "always holds, since $.a is always there"),
        (asked(present("$.no", "B")), "can never hold: $.no is never there"),
        (asked(present("$.no", "B", False)), "always holds, since $.no is never there"),
        (
            asked(rule("$.a", "StringEquals", "x", "B"), rule("$.a", "StringEquals", "x", "B")),
            "the rules before it take all that it would",
        ),
    ]:
        assert said in found(definition)[0].message


def test_a_status_that_is_never_failed_names_the_way_to_see_it() -> None:
    for wanted, code in (("FAILED", NEVER), ("SUCCEEDED", ALWAYS)):
        (finding,) = found(after([rule("$.r.status", "StringEquals", wanted, "B")]))
        assert codes([finding]) == [code]
        assert "$.r.status can only be 'SUCCEEDED'" in finding.message
        assert "ExceptionOnActionFailure" in finding.fix
