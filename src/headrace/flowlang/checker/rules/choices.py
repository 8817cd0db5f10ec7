"""Findings on Choice states: rules that never or always hold, and a Default that is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from headrace.flowlang.checker.analysis.abstract_state import AbstractState
from headrace.flowlang.checker.analysis.choice_conditions import FAMILY_KINDS, refine_by_rule
from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    BOOLEAN,
    STRING,
    JsonType,
    Presence,
    describe_kinds,
)
from headrace.flowlang.checker.analysis.lookup import get, meet_at
from headrace.flowlang.checker.analysis.uses import rule_uses, state_loc
from headrace.flowlang.checker.report.finding import WARNING, Finding, Loc
from headrace.flowlang.choice import (
    COMPARISONS,
    AllRule,
    AnyRule,
    CompareRule,
    MatchRule,
    NotRule,
    TestRule,
)
from headrace.flowlang.model import ChoiceState
from headrace.flowlang.paths import CONTEXT_NAME

_SUCCEEDED: Final = frozenset({(STRING, "SUCCEEDED")})


def choices(analysis: DataFlow) -> Iterator[Finding]:
    """Yield what is wrong with the rules of every Choice.

    Args:
        analysis: the flow's data flow analysis.
    """
    for name, state in analysis.flow.states.items():
        entry_states = analysis.states_at(name)
        if isinstance(state, ChoiceState) and entry_states:
            yield from _rules(state, entry_states)
            yield from _mixed_types(state, entry_states)
            yield from _patterns(state)


def _rules(state: ChoiceState, entry_states: list[AbstractState]) -> Iterator[Finding]:
    loc = state_loc(state.name)
    remaining = entry_states
    for number, (rule, _) in enumerate(state.rules):
        where = (*loc, "Choices", number)
        remaining = [s for s in remaining if not _always_fails(rule, where, s)]
        if not remaining:
            return  # reported with the uses
        matching = [s for s in remaining if refine_by_rule(rule, s, True) is not None]
        not_matching = [
            after for s in remaining if (after := refine_by_rule(rule, s, False)) is not None
        ]
        if not matching:
            yield _never_holds(rule, where, entry_states, number > 0)
        elif not not_matching and _is_worth_reporting(state, number, entry_states):
            what = "Default" if number + 1 == len(state.rules) else "what comes after it"
            yield Finding(
                WARNING,
                "choice-always",
                where,
                f"this rule always holds{_because(rule, entry_states)}: {what} is never used",
                _fix(rule, entry_states, "correct the rule, or remove what is never used"),
            )
            return
        else:
            yield from _inner_findings(rule, where, entry_states)
        remaining = not_matching
        if not remaining:
            return
    if state.default is None and _can_fall_through(state, remaining):
        yield Finding(
            WARNING,
            "choice-without-default",
            loc,
            "no rule need hold, and there is no Default: such a run fails",
            'add a "Default", to a Fail state if it must not happen',
        )


def _is_worth_reporting(state: ChoiceState, number: int, entry_states: list[AbstractState]) -> bool:
    """Say whether it is worth a finding that a rule always holds.

    A Default after rules that take all that there is does no harm, and is there in case they do
    not.
    """
    if number + 1 < len(state.rules):
        return True
    rule = state.rules[number][0]
    return state.default is not None and all(
        refine_by_rule(rule, s, False) is None for s in entry_states
    )


def _inner_findings(rule: Any, loc: Loc, entry_states: list[AbstractState]) -> Iterator[Finding]:
    """Yield rules within And, Or and Not that can never hold."""
    if isinstance(rule, NotRule):
        yield from _part_findings(rule.rule, (*loc, "Not"), entry_states)
    elif isinstance(rule, AllRule | AnyRule):
        every = isinstance(rule, AllRule)
        remaining = entry_states
        for number, part in enumerate(rule.rules):
            yield from _part_findings(part, (*loc, "And" if every else "Or", number), remaining)
            remaining = [
                after for s in remaining if (after := refine_by_rule(part, s, every)) is not None
            ]
            if not remaining:
                return


def _part_findings(rule: Any, loc: Loc, entry_states: list[AbstractState]) -> Iterator[Finding]:
    asked = [s for s in entry_states if not _always_fails(rule, loc, s)]
    if not asked:
        return  # reported with the uses
    if any(refine_by_rule(rule, s, True) is not None for s in asked):
        yield from _inner_findings(rule, loc, asked)
    elif not _tests_absence_only(rule):
        yield _never_holds(rule, loc, entry_states, False)


def _tests_absence_only(rule: Any) -> bool:
    """Say whether a rule only tests for absence: such a test is harmless where it never holds."""
    if isinstance(rule, NotRule):
        inner = rule.rule
        return isinstance(inner, TestRule) and inner.name == "IsPresent" and inner.expected
    if not isinstance(rule, TestRule):
        return False
    return rule.name == "IsNull" or (rule.name == "IsPresent" and not rule.expected)


def _mixed_types(state: ChoiceState, entry_states: list[AbstractState]) -> Iterator[Finding]:
    """Yield variables of unknown type that one Choice compares as values of two types."""
    first: dict[str, int] = {}
    for number, (rule, _) in enumerate(state.rules):
        for compared, loc in _comparisons(rule, (*state_loc(state.name), "Choices", number)):
            kind = FAMILY_KINDS[COMPARISONS[compared.name][0]]
            before = first.setdefault(compared.variable.text, kind)
            found = [get(s.payload, compared.variable.steps).json_type.kinds for s in entry_states]
            if kind != before and any(kinds & kind and kinds & before for kinds in found):
                yield Finding(
                    WARNING,
                    "choice-of-two-types",
                    (*loc, compared.name),
                    f"{compared.variable.text} is compared as {describe_kinds(kind)} here, and as "
                    f"{describe_kinds(before)} before",
                    "compare it by operators of one type",
                )
                return


def _patterns(state: ChoiceState) -> Iterator[Finding]:
    """Yield patterns that are compared as texts."""
    for number, (rule, _) in enumerate(state.rules):
        for compared, loc in _comparisons(rule, (*state_loc(state.name), "Choices", number)):
            operand = compared.operand
            if compared.name == "StringEquals" and isinstance(operand, str) and "*" in operand:
                yield Finding(
                    WARNING,
                    "pattern-not-matched",
                    (*loc, compared.name),
                    f"{operand!r:.80} is compared as it stands: the star stands for itself",
                    'use "StringMatches" where the star stands for any text',
                )


def _comparisons(rule: Any, loc: Loc) -> Iterator[tuple[CompareRule, Loc]]:
    if isinstance(rule, NotRule):
        yield from _comparisons(rule.rule, (*loc, "Not"))
    elif isinstance(rule, AllRule | AnyRule):
        word = "And" if isinstance(rule, AllRule) else "Or"
        for number, part in enumerate(rule.rules):
            yield from _comparisons(part, (*loc, word, number))
    elif isinstance(rule, CompareRule) and rule.variable.is_single:
        yield rule, loc


def _never_holds(
    rule: Any, loc: Loc, entry_states: list[AbstractState], after_others: bool
) -> Finding:
    holds_alone = any(
        refine_by_rule(rule, entry_state, True) is not None for entry_state in entry_states
    )
    why = _why(rule, entry_states, False)
    if holds_alone and after_others:
        why = "the rules before it take all that it would"
    return Finding(
        WARNING,
        "choice-never",
        loc,
        f"this rule can never hold{': ' + why if why else ''}",
        _fix(rule, entry_states, "correct the rule, or remove it"),
    )


def _because(rule: Any, entry_states: list[AbstractState]) -> str:
    return f", since {why}" if (why := _why(rule, entry_states, True)) else ""


def _fix(rule: Any, entry_states: list[AbstractState], otherwise: str) -> str:
    if isinstance(rule, CompareRule) and rule.variable.steps[-1:] == ("status",):
        found = [get(s.payload, rule.variable.steps).json_type.values for s in entry_states]
        if all(values == _SUCCEEDED for values in found):
            return (
                "a failed action is raised, also by default: catch ActionFailedException, or set "
                '"ExceptionOnActionFailure": false on the Action'
            )
    return otherwise


def _why(rule: Any, entry_states: list[AbstractState], holds: bool) -> str:
    """Return why a rule always holds, or never does."""
    if isinstance(rule, NotRule):
        return _why(rule.rule, entry_states, not holds)
    if isinstance(rule, AllRule | AnyRule):
        for inner in rule.rules:
            if all(refine_by_rule(inner, s, not holds) is None for s in entry_states) and (
                why := _why(inner, entry_states, holds)
            ):
                return why
        return ""
    found = [get(s.payload, rule.variable.steps) for s in entry_states]
    kinds = 0
    values: set[tuple[int, Any]] = set()
    for one in found:
        kinds |= one.json_type.kinds
        values |= one.json_type.values or set()
    variable = rule.variable.text
    if isinstance(rule, TestRule) and rule.name == "IsPresent":
        return f"{variable} is {'always' if rule.expected is holds else 'never'} there"
    if kinds == ALL:
        return ""
    if all(one.json_type.values is not None for one in found) and values:
        shown = ", ".join(sorted(repr(value) for _, value in values)[:6])
        return f"{variable} can only be {shown}"
    wanted = STRING
    if isinstance(rule, CompareRule):
        wanted = FAMILY_KINDS[COMPARISONS[rule.name][0]]
    elif not isinstance(rule, MatchRule):
        return f"{variable} is {describe_kinds(kinds)}"
    if kinds & wanted:
        return ""
    return f"{variable} is {describe_kinds(kinds)}, and it compares {describe_kinds(wanted)}"


def _always_fails(rule: Any, loc: Loc, entry_state: AbstractState) -> bool:
    """Say whether a rule stops the run: it compares what cannot be there."""
    return any(
        use.found.presence == Presence.CANNOT
        and not use.guarded
        and use.steps[:1] != (CONTEXT_NAME,)
        for use in rule_uses(rule, loc, entry_state, True)
    )


def _can_fall_through(state: ChoiceState, remaining: list[AbstractState]) -> bool:
    """Say whether no rule need hold, even if every value is of the type that is asked for."""
    for entry_state in remaining:
        typed: AbstractState | None = entry_state
        for rule, _ in state.rules:
            typed = None if typed is None else _assume_types(rule, typed)
        for rule, _ in state.rules:
            typed = None if typed is None else refine_by_rule(rule, typed, False)
        if typed is not None:
            return True
    return False


def _assume_types(rule: Any, entry_state: AbstractState) -> AbstractState | None:
    if isinstance(rule, NotRule):
        return _assume_types(rule.rule, entry_state)
    if isinstance(rule, AllRule | AnyRule):
        for inner in rule.rules:
            narrowed = _assume_types(inner, entry_state)
            entry_state = entry_state if narrowed is None else narrowed
        return entry_state
    if not rule.variable.is_single or rule.variable.reads_context:
        return entry_state
    json_type = entry_state.payload
    paths = [rule.variable]
    if isinstance(rule, CompareRule):
        kind = FAMILY_KINDS[COMPARISONS[rule.name][0]]
        if hasattr(rule.operand, "steps"):
            paths.append(rule.operand)
    elif isinstance(rule, MatchRule):
        kind = STRING
    else:
        return entry_state
    wanted = JsonType(kind)
    if kind == BOOLEAN:
        wanted = JsonType(kind, values=frozenset({(BOOLEAN, True), (BOOLEAN, False)}))
    for path in paths:
        json_type = meet_at(json_type, path.steps, wanted) or json_type
    return entry_state.refine(json_type)
