"""Findings on style, which need no data flow analysis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.expression_paths import dict_method_members
from headrace.flowlang.checker.analysis.referenced_paths import referenced_paths
from headrace.flowlang.checker.analysis.uses import parameter_leaves, state_loc
from headrace.flowlang.checker.report.finding import ADVICE, WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.checker.rules.undefined import path_text
from headrace.flowlang.parameters import PRIVATE_KEY, Computed, plain_name

_PATH_FIELDS: Final = ("InputPath", "ResultPath")
_TOKENS: Final = "_tokens"
_KEYWORDS: Final = frozenset({"additionalProperties", "additionalItems", "uniqueItems"})
_MAX_NESTING: Final = 6


@rule("bare-root-path", WARNING)
@rule("field-without-effect", WARNING)
@rule("private-parameter-missing", WARNING)
@rule("dict-method-name", WARNING)
def style(context: RuleContext) -> Iterator[Finding]:
    """Yield what is wrong with one state by itself."""
    flow = context.flow
    for name, state in flow.states.items():
        loc, raw = state_loc(name), flow.definition["States"][name]
        for field in _PATH_FIELDS:
            if raw.get(field) == "$":
                yield _bare_root((*loc, field))
        given = [field for field in ("Result", "Parameters", "InputPath") if field in raw]
        for field in given[1:] if raw["Type"] == "Pass" else ():
            yield Finding(
                WARNING,
                "field-without-effect",
                (*loc, field),
                f"a Pass with {given[0]} gives that, and nothing of {field}",
                f"remove one of {given[0]} and {field}",
            )
        yield from _parameters(raw.get("Parameters"), (*loc, "Parameters"))
        for where, part in parameter_leaves(state):
            if isinstance(part, Computed):
                for member in dict_method_members(part.expression):
                    yield Finding(
                        WARNING,
                        "dict-method-name",
                        where,
                        f"'.{member}' is a method of objects, not the member of that name",
                        f"write ['{member}']",
                    )


def _parameters(value: Any, loc: Loc) -> Iterator[Finding]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _parameters(item, (*loc, number))
    if not isinstance(value, dict):
        return
    names = {plain_name(key) for key in value}
    for key, item in value.items():
        if key == PRIVATE_KEY:
            for number, name in enumerate(item):
                if plain_name(name) not in names:
                    yield Finding(
                        WARNING,
                        "private-parameter-missing",
                        (*loc, key, number),
                        f"'{name}' is no parameter here: nothing is hidden",
                        "correct the name; it must stand beside the parameter",
                    )
        elif key.endswith(".$") and item == "$":
            yield _bare_root((*loc, key))
        else:
            yield from _parameters(item, (*loc, key))


def _bare_root(loc: Loc) -> Finding:
    return Finding(
        WARNING,
        "bare-root-path",
        loc,
        "the hosted service may refuse the bare path '$'",
        "name a member, or leave the field out: '$' is its default",
    )


@rule("input-not-read", WARNING)
@rule("misplaced-keyword", WARNING)
def unread_inputs(context: RuleContext) -> Iterator[Finding]:
    """Yield properties of the input schema that no state reads."""
    flow, schema = context.flow, context.input_schema
    if not isinstance(schema, dict):
        return
    places: set[Steps] = set()
    for state in flow.states.values():
        named, reads_all = referenced_paths(state)
        if reads_all:
            return
        places |= named
    known = {steps[:length] for steps in places for length in range(1, len(steps) + 1)}
    yield from _unread_below(schema, (), ("input_schema",), places, known, 0)


def _unread_below(
    schema: Any, at: Steps, loc: Loc, places: set[Steps], known: set[Steps], depth: int
) -> Iterator[Finding]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or depth > _MAX_NESTING or at in places:
        return
    required = schema.get("required")
    for name, part in properties.items():
        steps, where = (*at, name), (*loc, "properties", name)
        if steps == (_TOKENS,):
            continue
        if name in _KEYWORDS and isinstance(part, bool):
            yield Finding(
                WARNING,
                "misplaced-keyword",
                where,
                f"{name!r} stands among the properties, and is taken for the name of one",
                "move it out of 'properties', beside it",
            )
            continue
        if steps in known:
            yield from _unread_below(part, steps, where, places, known, depth + 1)
            continue
        needed = isinstance(required, list) and name in required
        yield Finding(
            WARNING if needed else ADVICE,
            "input-not-read",
            where,
            f"{path_text(steps)} is {'required' if needed else 'declared'}, and no state reads it",
            "remove it from the schema, or correct the path of the state that should read it",
        )
