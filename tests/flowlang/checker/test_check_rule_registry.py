"""Rules as functions: the registry, the catalogue beside it, and rules from outside."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.flowlang.checker import (
    ERROR,
    RULES,
    SEVERITIES,
    WARNING,
    Finding,
    Rule,
    RuleContext,
    RuleError,
    check_flow,
    rule,
    sarif_log,
)
from headrace.flowlang.checker import rules as rules_package
from headrace.flowlang.checker.rules.builtin import BUILTIN_RULES
from tests.support.flowlang.flow_builders import flow

# Found before there is a flow to run rules on.
BEFORE_RULES = {
    "not-json",
    "not-readable",
    "duplicate-key",
    "invalid-definition",
    "invalid-schema",
    "unreachable-state",
    "not-followed",
}


def codes(rules: tuple[Rule[[RuleContext]], ...]) -> set[str]:
    return {code for each in rules for code in each.codes}


def test_every_code_of_a_rule_is_in_the_catalogue_and_the_reverse(repository: Path) -> None:
    assert codes(BUILTIN_RULES) | BEFORE_RULES == set(RULES)
    assert not codes(BUILTIN_RULES) & BEFORE_RULES
    sources = "".join(
        path.read_text()
        for path in [
            *(repository / "src/headrace/flowlang/checker").rglob("*.py"),
            repository / "src/headrace/project/flow_check.py",
        ]
        if "catalogue" not in path.parts
    )
    for code in RULES:
        # A declaration alone finds nothing.
        found = sources.count(f'"{code}"') - sources.count(f'@rule("{code}"')
        assert found, f"nothing finds {code}"


def test_every_rule_of_the_package_is_run() -> None:
    declared = {
        description.code
        for module in pkgutil.iter_modules(rules_package.__path__)
        for value in vars(
            importlib.import_module(f"{rules_package.__name__}.{module.name}")
        ).values()
        if isinstance(value, Rule)
        for description in value.descriptions
    }
    assert declared == codes(BUILTIN_RULES)
    for each in BUILTIN_RULES:
        for description in each.descriptions:
            assert description is RULES[description.code]
            assert description.severity in SEVERITIES


@rule("no-comment", WARNING, summary="A state has no Comment.", help="Say what it is for.")
def no_comment(context: RuleContext) -> Iterator[Finding]:
    for name, raw in context.flow.definition["States"].items():
        if "Comment" not in raw:
            loc = ("definition", "States", name)
            yield Finding(WARNING, "no-comment", loc, f"{name} has no Comment", "add one")


DEFINITION = flow(A={"Type": "Pass", "End": True})


def test_a_rule_from_outside_runs_after_the_others() -> None:
    assert check_flow(DEFINITION) == []
    (finding,) = check_flow(DEFINITION, extra_rules=[no_comment])
    assert (finding.code, finding.loc) == ("no-comment", ("definition", "States", "A"))
    (run,) = sarif_log([("f.json", finding)], "1", no_comment.descriptions)["runs"]
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "no-comment"
    assert result["ruleIndex"] == len(RULES)


def test_a_rule_needs_a_description_and_a_severity() -> None:
    with pytest.raises(RuleError, match="no description"):
        rule("unheard-of", WARNING)
    with pytest.raises(RuleError, match="no description"):
        rule("choice-never", ERROR)  # the catalogue says warning
    with pytest.raises(RuleError, match="use error, warning, advice"):
        rule("choice-never", "grave")


def test_a_rule_that_fails_is_named() -> None:
    @rule("breaks", ERROR, summary="Breaks.", help="None.")
    def breaks(context: RuleContext) -> Iterator[Finding]:
        yield Finding(ERROR, "other", ("definition",), "m", "f")

    with pytest.raises(RuleError, match="the rule breaks gave error 'other'"):
        check_flow(DEFINITION, extra_rules=[breaks])

    @rule("divides", ERROR, summary="Divides.", help="None.")
    def divides(context: RuleContext) -> Iterator[Finding]:
        1 / 0  # noqa: B018
        yield from ()

    with pytest.raises(RuleError, match=r"the rule divides failed: ZeroDivisionError"):
        check_flow(DEFINITION, extra_rules=[divides])
