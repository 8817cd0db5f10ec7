"""Findings on Choice states: rules that never or always hold, and a Default that is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from headrace.flowlang.checker.analysis.abstract_state import Situation
from headrace.flowlang.checker.analysis.choice_conditions import FAMILY_KINDS, refined
from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    BOOLEAN,
    STRING,
    Presence,
    Shape,
    kinds_in_words,
)
from headrace.flowlang.checker.analysis.lookup import look, narrow
from headrace.flowlang.checker.analysis.uses import rule_readings, state_loc
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
        analysis: the flow's situations.
    """
    for name, state in analysis.flow.states.items():
        situations = analysis.situations(name)
        if isinstance(state, ChoiceState) and situations:
            yield from _rules(state, situations)
            yield from _families(state, situations)
            yield from _patterns(state)


def _rules(state: ChoiceState, situations: list[Situation]) -> Iterator[Finding]:
    loc = state_loc(state.name)
    left = situations
    for number, (rule, _) in enumerate(state.rules):
        where = (*loc, "Choices", number)
        left = [s for s in left if not _asks_in_vain(rule, where, s)]
        if not left:
            return  # told where readings are
        takes = [s for s in left if refined(rule, s, True) is not None]
        rest = [after for s in left if (after := refined(rule, s, False)) is not None]
        if not takes:
            yield _never(rule, where, situations, number > 0)
        elif not rest and _is_news(state, number, situations):
            what = "Default" if number + 1 == len(state.rules) else "what comes after it"
            yield Finding(
                WARNING,
                "choice-always",
                where,
                f"this rule always holds{_because(rule, situations)}: {what} is never used",
                _fix(rule, situations, "correct the rule, or remove what is never used"),
            )
            return
        else:
            yield from _inner(rule, where, situations)
        left = rest
        if not left:
            return
    if state.default is None and _can_fall_through(state, left):
        yield Finding(
            WARNING,
            "choice-without-default",
            loc,
            "no rule need hold, and there is no Default: such a run fails",
            'add a "Default", to a Fail state if it must not happen',
        )


def _is_news(state: ChoiceState, number: int, situations: list[Situation]) -> bool:
    """Say whether it is worth telling that a rule always holds.

    A Default after rules that take all that there is does no harm, and is there in case they do
    not.
    """
    if number + 1 < len(state.rules):
        return True
    rule = state.rules[number][0]
    return state.default is not None and all(refined(rule, s, False) is None for s in situations)


def _inner(rule: Any, loc: Loc, situations: list[Situation]) -> Iterator[Finding]:
    """Yield rules within And, Or and Not that can never hold."""
    if isinstance(rule, NotRule):
        yield from _part(rule.rule, (*loc, "Not"), situations)
    elif isinstance(rule, AllRule | AnyRule):
        every = isinstance(rule, AllRule)
        left = situations
        for number, part in enumerate(rule.rules):
            yield from _part(part, (*loc, "And" if every else "Or", number), left)
            left = [after for s in left if (after := refined(part, s, every)) is not None]
            if not left:
                return


def _part(rule: Any, loc: Loc, situations: list[Situation]) -> Iterator[Finding]:
    asked = [s for s in situations if not _asks_in_vain(rule, loc, s)]
    if not asked:
        return  # told where readings are
    if any(refined(rule, s, True) is not None for s in asked):
        yield from _inner(rule, loc, asked)
    elif not _is_care(rule):
        yield _never(rule, loc, situations, False)


def _is_care(rule: Any) -> bool:
    """Say whether a rule only looks whether something is absent: care that is never needed."""
    if isinstance(rule, NotRule):
        inner = rule.rule
        return isinstance(inner, TestRule) and inner.name == "IsPresent" and inner.expected
    if not isinstance(rule, TestRule):
        return False
    return rule.name == "IsNull" or (rule.name == "IsPresent" and not rule.expected)


def _families(state: ChoiceState, situations: list[Situation]) -> Iterator[Finding]:
    """Yield variables of unknown type that one Choice compares as values of two types."""
    first: dict[str, int] = {}
    for number, (rule, _) in enumerate(state.rules):
        for compared, loc in _comparisons(rule, (*state_loc(state.name), "Choices", number)):
            kind = FAMILY_KINDS[COMPARISONS[compared.name][0]]
            before = first.setdefault(compared.variable.text, kind)
            found = [look(s.shape, compared.variable.steps).shape.kinds for s in situations]
            if kind != before and any(kinds & kind and kinds & before for kinds in found):
                yield Finding(
                    WARNING,
                    "choice-of-two-types",
                    (*loc, compared.name),
                    f"{compared.variable.text} is compared as {kinds_in_words(kind)} here, and as "
                    f"{kinds_in_words(before)} before",
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


def _never(rule: Any, loc: Loc, situations: list[Situation], after_others: bool) -> Finding:
    alone = any(refined(rule, situation, True) is not None for situation in situations)
    why = _why(rule, situations, False)
    if alone and after_others:
        why = "the rules before it take all that it would"
    return Finding(
        WARNING,
        "choice-never",
        loc,
        f"this rule can never hold{': ' + why if why else ''}",
        _fix(rule, situations, "correct the rule, or remove it"),
    )


def _because(rule: Any, situations: list[Situation]) -> str:
    return f", since {why}" if (why := _why(rule, situations, True)) else ""


def _fix(rule: Any, situations: list[Situation], otherwise: str) -> str:
    if isinstance(rule, CompareRule) and rule.variable.steps[-1:] == ("status",):
        found = [look(s.shape, rule.variable.steps).shape.values for s in situations]
        if all(values == _SUCCEEDED for values in found):
            return (
                "a failed action is raised, also by default: catch ActionFailedException, or set "
                '"ExceptionOnActionFailure": false on the Action'
            )
    return otherwise


def _why(rule: Any, situations: list[Situation], holds: bool) -> str:
    """Return why a rule always holds, or never does."""
    if isinstance(rule, NotRule):
        return _why(rule.rule, situations, not holds)
    if isinstance(rule, AllRule | AnyRule):
        for inner in rule.rules:
            if all(refined(inner, s, not holds) is None for s in situations) and (
                why := _why(inner, situations, holds)
            ):
                return why
        return ""
    found = [look(s.shape, rule.variable.steps) for s in situations]
    kinds = 0
    values: set[tuple[int, Any]] = set()
    for one in found:
        kinds |= one.shape.kinds
        values |= one.shape.values or set()
    variable = rule.variable.text
    if isinstance(rule, TestRule) and rule.name == "IsPresent":
        return f"{variable} is {'always' if rule.expected is holds else 'never'} there"
    if kinds == ALL:
        return ""
    if all(one.shape.values is not None for one in found) and values:
        shown = ", ".join(sorted(repr(value) for _, value in values)[:6])
        return f"{variable} can only be {shown}"
    wanted = STRING
    if isinstance(rule, CompareRule):
        wanted = FAMILY_KINDS[COMPARISONS[rule.name][0]]
    elif not isinstance(rule, MatchRule):
        return f"{variable} is {kinds_in_words(kinds)}"
    if kinds & wanted:
        return ""
    return f"{variable} is {kinds_in_words(kinds)}, and it compares {kinds_in_words(wanted)}"


def _asks_in_vain(rule: Any, loc: Loc, situation: Situation) -> bool:
    """Say whether a rule stops the run: it compares what cannot be there."""
    return any(
        reading.found.presence == Presence.CANNOT
        and not reading.guarded
        and reading.steps[:1] != (CONTEXT_NAME,)
        for reading in rule_readings(rule, loc, situation, True)
    )


def _can_fall_through(state: ChoiceState, left: list[Situation]) -> bool:
    """Say whether no rule need hold, even if every value is of the type that is asked for."""
    for situation in left:
        typed: Situation | None = situation
        for rule, _ in state.rules:
            typed = None if typed is None else _typed(rule, typed)
        for rule, _ in state.rules:
            typed = None if typed is None else refined(rule, typed, False)
        if typed is not None:
            return True
    return False


def _typed(rule: Any, situation: Situation) -> Situation | None:
    if isinstance(rule, NotRule):
        return _typed(rule.rule, situation)
    if isinstance(rule, AllRule | AnyRule):
        for inner in rule.rules:
            narrowed = _typed(inner, situation)
            situation = situation if narrowed is None else narrowed
        return situation
    if not rule.variable.is_single or rule.variable.reads_context:
        return situation
    shape = situation.shape
    paths = [rule.variable]
    if isinstance(rule, CompareRule):
        kind = FAMILY_KINDS[COMPARISONS[rule.name][0]]
        if hasattr(rule.operand, "steps"):
            paths.append(rule.operand)
    elif isinstance(rule, MatchRule):
        kind = STRING
    else:
        return situation
    wanted = Shape(kind)
    if kind == BOOLEAN:
        wanted = Shape(kind, values=frozenset({(BOOLEAN, True), (BOOLEAN, False)}))
    for path in paths:
        shape = narrow(shape, path.steps, wanted) or shape
    return situation.learns(shape)
