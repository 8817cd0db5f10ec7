"""Findings on Choice states: rules that never or always hold, and a Default that is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from headrace.flowlang.checker.analysis.abstract_state import AbstractState
from headrace.flowlang.checker.analysis.choice_conditions import compared_kind, refine_by_rule
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
from headrace.flowlang.checker.rules.registry import RuleContext, for_each, rule
from headrace.flowlang.choice import (
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


@rule("choice-never", WARNING)
@rule("choice-always", WARNING)
@rule("choice-without-default", WARNING)
def choice_rules(context: RuleContext, state: ChoiceState) -> Iterator[Finding]:
    """Yield rules of a Choice that never or always hold, and a Default that is missing."""
    entry_states = context.analysis.states_at(state.name)
    if not entry_states:
        return
    loc = state_loc(state.name)
    remaining = entry_states
    for number, (tested, _) in enumerate(state.rules):
        where = (*loc, "Choices", number)
        remaining = [s for s in remaining if not _always_fails(tested, where, s)]
        if not remaining:
            return  # reported with the uses
        matching = [s for s in remaining if refine_by_rule(tested, s, True) is not None]
        not_matching = [
            after for s in remaining if (after := refine_by_rule(tested, s, False)) is not None
        ]
        if not matching:
            yield _never_holds(tested, where, entry_states, number > 0)
        elif not not_matching and _is_worth_reporting(state, number, entry_states):
            what = "Default" if number + 1 == len(state.rules) else "what comes after it"
            yield Finding(
                WARNING,
                "choice-always",
                where,
                f"this rule always holds{_because(tested, entry_states)}: {what} is never used",
                _fix(tested, entry_states, "correct the rule, or remove what is never used"),
            )
            return
        else:
            yield from _inner_findings(tested, where, entry_states)
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
    tested = state.rules[number][0]
    return state.default is not None and all(
        refine_by_rule(tested, s, False) is None for s in entry_states
    )


def _inner_findings(tested: Any, loc: Loc, entry_states: list[AbstractState]) -> Iterator[Finding]:
    """Yield rules within And, Or and Not that can never hold."""
    if isinstance(tested, NotRule):
        yield from _part_findings(tested.rule, (*loc, "Not"), entry_states)
    elif isinstance(tested, AllRule | AnyRule):
        every = isinstance(tested, AllRule)
        remaining = entry_states
        for number, part in enumerate(tested.rules):
            yield from _part_findings(part, (*loc, "And" if every else "Or", number), remaining)
            remaining = [
                after for s in remaining if (after := refine_by_rule(part, s, every)) is not None
            ]
            if not remaining:
                return


def _part_findings(tested: Any, loc: Loc, entry_states: list[AbstractState]) -> Iterator[Finding]:
    asked = [s for s in entry_states if not _always_fails(tested, loc, s)]
    if not asked:
        return  # reported with the uses
    if any(refine_by_rule(tested, s, True) is not None for s in asked):
        yield from _inner_findings(tested, loc, asked)
    elif not _tests_absence_only(tested):
        yield _never_holds(tested, loc, entry_states, False)


def _tests_absence_only(tested: Any) -> bool:
    """Say whether a rule only tests for absence: such a test is harmless where it never holds."""
    if isinstance(tested, NotRule):
        inner = tested.rule
        return isinstance(inner, TestRule) and inner.name == "IsPresent" and inner.expected
    if not isinstance(tested, TestRule):
        return False
    return tested.name == "IsNull" or (tested.name == "IsPresent" and not tested.expected)


@rule("choice-of-two-types", WARNING)
def mixed_types(context: RuleContext, state: ChoiceState) -> Iterator[Finding]:
    """Yield variables of unknown type that one Choice compares as values of two types."""
    entry_states = context.analysis.states_at(state.name)
    first: dict[str, int] = {}
    for number, (tested, _) in enumerate(state.rules):
        for compared, loc in _comparisons(tested, (*state_loc(state.name), "Choices", number)):
            kind = compared_kind(compared.name)
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


@rule("pattern-not-matched", WARNING)
def patterns(context: RuleContext, state: ChoiceState) -> Iterator[Finding]:
    """Yield patterns that are compared as texts."""
    if not context.analysis.states_at(state.name):
        return
    for number, (tested, _) in enumerate(state.rules):
        for compared, loc in _comparisons(tested, (*state_loc(state.name), "Choices", number)):
            operand = compared.operand
            if compared.name == "StringEquals" and isinstance(operand, str) and "*" in operand:
                yield Finding(
                    WARNING,
                    "pattern-not-matched",
                    (*loc, compared.name),
                    f"{operand!r:.80} is compared as it stands: the star stands for itself",
                    'use "StringMatches" where the star stands for any text',
                )


def _comparisons(tested: Any, loc: Loc) -> Iterator[tuple[CompareRule, Loc]]:
    if isinstance(tested, NotRule):
        yield from _comparisons(tested.rule, (*loc, "Not"))
    elif isinstance(tested, AllRule | AnyRule):
        word = "And" if isinstance(tested, AllRule) else "Or"
        for number, part in enumerate(tested.rules):
            yield from _comparisons(part, (*loc, word, number))
    elif isinstance(tested, CompareRule) and tested.variable.is_single:
        yield tested, loc


def _never_holds(
    tested: Any, loc: Loc, entry_states: list[AbstractState], after_others: bool
) -> Finding:
    holds_alone = any(
        refine_by_rule(tested, entry_state, True) is not None for entry_state in entry_states
    )
    why = _why(tested, entry_states, False)
    if holds_alone and after_others:
        why = "the rules before it take all that it would"
    return Finding(
        WARNING,
        "choice-never",
        loc,
        f"this rule can never hold{': ' + why if why else ''}",
        _fix(tested, entry_states, "correct the rule, or remove it"),
    )


def _because(tested: Any, entry_states: list[AbstractState]) -> str:
    return f", since {why}" if (why := _why(tested, entry_states, True)) else ""


def _fix(tested: Any, entry_states: list[AbstractState], otherwise: str) -> str:
    if isinstance(tested, CompareRule) and tested.variable.steps[-1:] == ("status",):
        found = [get(s.payload, tested.variable.steps).json_type.values for s in entry_states]
        if all(values == _SUCCEEDED for values in found):
            return (
                "a failed action is raised, also by default: catch ActionFailedException, or set "
                '"ExceptionOnActionFailure": false on the Action'
            )
    return otherwise


def _why(tested: Any, entry_states: list[AbstractState], holds: bool) -> str:
    """Return why a rule always holds, or never does."""
    if isinstance(tested, NotRule):
        return _why(tested.rule, entry_states, not holds)
    if isinstance(tested, AllRule | AnyRule):
        for inner in tested.rules:
            if all(refine_by_rule(inner, s, not holds) is None for s in entry_states) and (
                why := _why(inner, entry_states, holds)
            ):
                return why
        return ""
    found = [get(s.payload, tested.variable.steps) for s in entry_states]
    kinds = 0
    values: set[tuple[int, Any]] = set()
    for one in found:
        kinds |= one.json_type.kinds
        values |= one.json_type.values or set()
    variable = tested.variable.text
    if isinstance(tested, TestRule) and tested.name == "IsPresent":
        return f"{variable} is {'always' if tested.expected is holds else 'never'} there"
    if kinds == ALL:
        return ""
    if all(one.json_type.values is not None for one in found) and values:
        shown = ", ".join(sorted(repr(value) for _, value in values)[:6])
        return f"{variable} can only be {shown}"
    wanted = STRING
    if isinstance(tested, CompareRule):
        wanted = compared_kind(tested.name)
    elif not isinstance(tested, MatchRule):
        return f"{variable} is {describe_kinds(kinds)}"
    if kinds & wanted:
        return ""
    return f"{variable} is {describe_kinds(kinds)}, and it compares {describe_kinds(wanted)}"


def _always_fails(tested: Any, loc: Loc, entry_state: AbstractState) -> bool:
    """Say whether a rule stops the run: it compares what cannot be there."""
    return any(
        use.found.presence == Presence.CANNOT
        and not use.guarded
        and use.steps[:1] != (CONTEXT_NAME,)
        for use in rule_uses(tested, loc, entry_state, True)
    )


def _can_fall_through(state: ChoiceState, remaining: list[AbstractState]) -> bool:
    """Say whether no rule need hold, even if every value is of the type that is asked for."""
    for entry_state in remaining:
        typed: AbstractState | None = entry_state
        for tested, _ in state.rules:
            typed = None if typed is None else _assume_types(tested, typed)
        for tested, _ in state.rules:
            typed = None if typed is None else refine_by_rule(tested, typed, False)
        if typed is not None:
            return True
    return False


def _assume_types(tested: Any, entry_state: AbstractState) -> AbstractState | None:
    if isinstance(tested, NotRule):
        return _assume_types(tested.rule, entry_state)
    if isinstance(tested, AllRule | AnyRule):
        for inner in tested.rules:
            narrowed = _assume_types(inner, entry_state)
            entry_state = entry_state if narrowed is None else narrowed
        return entry_state
    if not tested.variable.is_single or tested.variable.reads_context:
        return entry_state
    json_type = entry_state.payload
    paths = [tested.variable]
    if isinstance(tested, CompareRule):
        kind = compared_kind(tested.name)
        if hasattr(tested.operand, "steps"):
            paths.append(tested.operand)
    elif isinstance(tested, MatchRule):
        kind = STRING
    else:
        return entry_state
    wanted = JsonType(kind)
    if kind == BOOLEAN:
        wanted = JsonType(kind, values=frozenset({(BOOLEAN, True), (BOOLEAN, False)}))
    for path in paths:
        json_type = meet_at(json_type, path.steps, wanted) or json_type
    return entry_state.refine(json_type)


choices: Final = for_each(ChoiceState, choice_rules, mixed_types, patterns)
