"""Findings on texts that look like paths or expressions, and are sent as they stand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from headrace.flowlang.checker.analysis.abstract_state import AbstractState, Steps
from headrace.flowlang.checker.analysis.expression_paths import node_path
from headrace.flowlang.checker.analysis.json_types import Presence
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.analysis.uses import parameter_leaves, state_loc
from headrace.flowlang.checker.report.finding import WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.errors import ExpressionError, PathError
from headrace.flowlang.expressions import Expression, compile_expression
from headrace.flowlang.model import ActionState, State
from headrace.flowlang.parameters import PRIVATE_KEY, Computed, plain_name
from headrace.flowlang.paths import CONTEXT_NAME, compile_path
from headrace.flowlang.providers import provider_of

_REFERENCE: Final = re.compile(r"\$[.\[][\w.\[\]'\"-]+")
_WITHIN: Final = re.compile(r"(?<!\S)\$\.[A-Za-z_]\w*")
_FIELD: Final = re.compile(r"\$?\{([A-Za-z_]\w*)((?:\.\w+|\[[^\]]*\])*)\}")
_MAX_LENGTH: Final = 2_000
_EVALUATED: Final = frozenset({"json-path", "expression"})
# Operators whose other form takes a path.
_COMPARING: Final = re.compile(r"(String|Timestamp)(Equals|LessThan|GreaterThan).*")


@rule("suffix-forgotten", WARNING)
@rule("braces-not-filled", WARNING)
@rule("suffix-without-effect", WARNING)
def suffixes(context: RuleContext) -> Iterator[Finding]:
    """Yield texts whose member lacks its ``.$`` or ``.=``, or is not the form that takes a path."""
    analysis = context.analysis
    for name, state in analysis.flow.states.items():
        raw, loc = analysis.flow.definition["States"][name], state_loc(name)
        entry_states = analysis.states_at(name)
        evaluated_by_provider = _provider_evaluated(state)
        yield from _texts(
            raw.get("Parameters"), (*loc, "Parameters"), entry_states, evaluated_by_provider
        )
        for where, part in parameter_leaves(state):
            if isinstance(part, Computed):
                yield from _unfilled_braces(part.expression, where, entry_states)
        if raw["Type"] == "Pass":
            yield from _result(raw.get("Result"), (*loc, "Result"))
        elif raw["Type"] == "Fail":
            for member in ("Error", "Cause"):
                if _is_path(raw.get(member)):
                    yield _use_path_operator((*loc, member), raw[member], f"{member}Path")
        elif raw["Type"] == "Choice":
            for number, rule in enumerate(raw["Choices"]):
                yield from _rules(rule, (*loc, "Choices", number))


def _provider_evaluated(state: State) -> frozenset[str]:
    """Return the parameters that the provider itself takes as paths or expressions."""
    provider = provider_of(state.url) if isinstance(state, ActionState) else None
    return frozenset(_named(provider.parameters)) if provider is not None else frozenset()


def _named(schema: Any) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        return
    yield from _named(schema.get("items"))
    for name, part in schema.get("properties", {}).items():
        if isinstance(part, Mapping) and part.get("format") in _EVALUATED:
            yield name
        yield from _named(part)


def _texts(
    value: Any, loc: Loc, entry_states: list[AbstractState], evaluated_by_provider: frozenset[str]
) -> Iterator[Finding]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (*loc, number), entry_states, evaluated_by_provider)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != PRIVATE_KEY and plain_name(key) == key and key not in evaluated_by_provider:
                yield from _texts(item, (*loc, key), entry_states, evaluated_by_provider)
    elif isinstance(value, str) and len(value) <= _MAX_LENGTH:
        if _is_path(value):
            yield _missing_suffix(loc, value, ".$", "it is a path")
        elif _WITHIN.search(value):
            yield _missing_suffix(loc, value, ".=", "a path stands within it")
        elif any(_reads(value, entry_state) for entry_state in entry_states):
            yield _missing_suffix(loc, value, ".=", "it is an expression")


def _result(value: Any, loc: Loc) -> Iterator[Finding]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _result(item, (*loc, number))
    elif isinstance(value, dict):
        for key, item in value.items():
            if plain_name(key) != key:
                yield Finding(
                    WARNING,
                    "suffix-without-effect",
                    (*loc, key),
                    f"{key!r} stands in a Result, which is taken as it is: nothing is evaluated",
                    'write it into "Parameters" in place of "Result"',
                )
            else:
                yield from _result(item, (*loc, key))
    elif _is_path(value):
        yield Finding(
            WARNING,
            "suffix-forgotten",
            loc,
            f"the text {value!r:.80} is written as it stands: a Result is not evaluated",
            'use "Parameters" in place of "Result", and a name that ends with .$',
        )


def _rules(rule: Any, loc: Loc) -> Iterator[Finding]:
    for word in ("And", "Or"):
        for number, inner in enumerate(rule.get(word, ())):
            yield from _rules(inner, (*loc, word, number))
    if "Not" in rule:
        yield from _rules(rule["Not"], (*loc, "Not"))
    for operator, operand in rule.items():
        literal = not operator.endswith("Path") and _COMPARING.fullmatch(operator)
        if literal and _is_path(operand):
            yield _use_path_operator((*loc, operator), operand, f"{operator}Path")


def _is_path(value: Any) -> bool:
    if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
        return False
    try:
        return bool(compile_path(value).steps)
    except PathError:
        return False


def _unfilled_braces(
    expression: Expression, loc: Loc, entry_states: list[AbstractState]
) -> Iterator[Finding]:
    """Yield texts with a member's name in braces that is not an f-string's."""
    within = {
        id(inner)
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.JoinedStr)
        for inner in ast.walk(node)
    }
    for node in ast.walk(expression.tree):
        if not isinstance(node, ast.Constant) or id(node) in within:
            continue
        for found in _FIELD.finditer(node.value if isinstance(node.value, str) else ""):
            steps = (found[1],)
            if any(_known_steps(steps, entry_state) for entry_state in entry_states):
                yield Finding(
                    WARNING,
                    "braces-not-filled",
                    loc,
                    f"{found[0]!r:.80} stands in a text as it is: nothing is put in its place",
                    f"write '...' + str({found[1]}{found[2]}) + '...'",
                )
                return


def _reads(text: str, entry_state: AbstractState) -> bool:
    """Say whether a text is an expression over members that the payload has."""
    if not any(sign in text for sign in ".[+`("):
        return False
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return False
    if isinstance(expression.tree, ast.Constant | ast.Name):
        return False
    chains = [steps for steps in chains_of(expression) if steps[0] != CONTEXT_NAME]
    known = [_known_steps(steps, entry_state) for steps in chains]
    if not known or not all(known):
        return False
    # A name with a dot may be a file's: two of its steps must be known, or something be done to it.
    plain = isinstance(expression.tree, ast.Attribute | ast.Subscript)
    return not plain or max(known) > 1


def _known_steps(steps: Steps, entry_state: AbstractState) -> int:
    """Return how many steps of a path are known to be there; none where it cannot be."""
    if get(entry_state.payload, steps).presence == Presence.CANNOT:
        return 0
    known = 0
    for length in range(1, len(steps) + 1):
        if get(entry_state.payload, steps[:length]).presence not in (Presence.MAY, Presence.MUST):
            break
        known = length
    return known


def chains_of(expression: Expression) -> list[Steps]:
    """Return the paths that an expression names, without names that comprehensions bind."""
    bound = {
        target.id
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.comprehension)
        for target in ast.walk(node.target)
        if isinstance(target, ast.Name)
    }
    called = {id(node.func) for node in ast.walk(expression.tree) if isinstance(node, ast.Call)}
    inner = {
        id(node.value)
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.Attribute | ast.Subscript)
    }
    found: list[Steps] = []
    for node in ast.walk(expression.tree):
        if not isinstance(node, ast.Name | ast.Attribute | ast.Subscript) or id(node) in inner:
            continue
        if id(node) in called:
            if isinstance(node, ast.Attribute):  # a method: what it belongs to is read
                node = node.value
            else:
                continue
        steps = node_path(node, expression)
        if steps is not None and steps[0] not in bound:
            found.append(steps)
    return found


def _missing_suffix(loc: Loc, text: str, suffix: str, what: str) -> Finding:
    name = next((str(step) for step in reversed(loc) if isinstance(step, str)), "")
    return Finding(
        WARNING,
        "suffix-forgotten",
        loc,
        f"the text {text!r:.80} is sent as it stands, and nothing in it evaluated: {what}",
        f"call the member {name + suffix!r}",
    )


def _use_path_operator(loc: Loc, text: str, member: str) -> Finding:
    return Finding(
        WARNING,
        "suffix-forgotten",
        loc,
        f"the text {text!r:.80} is taken as it stands: it looks like a path",
        f"use {member!r}",
    )
