"""Advice that needs no data flow: what a definition may say, and is sorry for later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from headrace.flowlang.findings import WARNING, Finding
from headrace.flowlang.model import ActionState, Flow
from headrace.flowlang.parameters import (
    PRIVATE_KEY,
    ArrayTemplate,
    Computed,
    ObjectTemplate,
    plain_name,
)
from headrace.flowlang.parse import targets
from headrace.flowlang.providers import replacement
from headrace.flowlang.reads import method_members

Loc = tuple[Any, ...]
_PATH_FIELDS: Final = ("InputPath", "ResultPath")


def advise(flow: Flow) -> Iterator[Finding]:
    """Yields warnings, state by state.

    Args:
        flow: the checked flow.
    """
    for name, state in flow.states.items():
        loc: Loc = ("definition", "States", name)
        raw = flow.definition["States"][name]
        if isinstance(state, ActionState):
            yield from _action(state, raw, loc)
        for field in _PATH_FIELDS:
            if raw.get(field) == "$":
                yield _bare_root((*loc, field))
        yield from _parameters(raw.get("Parameters"), (*loc, "Parameters"))
        template = getattr(state, "parameters", None)
        for where, expression in _expressions(template, (*loc, "Parameters")):
            for member in method_members(expression):
                yield Finding(
                    WARNING,
                    "dict-method-name",
                    where,
                    f"'.{member}' is a method of objects, not the member of that name",
                    f"write ['{member}']",
                )
    yield from _endless(flow)


def _action(state: ActionState, raw: dict[str, Any], loc: Loc) -> Iterator[Finding]:
    if "ResultPath" not in raw and state.next is not None:
        yield Finding(
            WARNING,
            "payload-lost",
            loc,
            "without ResultPath the action's result replaces the whole payload",
            'add a "ResultPath" such as "$.result"',
        )
    for number, catcher in enumerate(raw.get("Catch", [])):
        if "ResultPath" not in catcher:
            yield Finding(
                WARNING,
                "catch-loses-payload",
                (*loc, "Catch", number),
                "without ResultPath the failure replaces the whole payload",
                'add a "ResultPath" such as "$.failure"',
            )
    where: Loc = (*loc, "ActionUrl") if "ActionUrl" in raw else (*loc, "Handler", "Url")
    new = replacement(state.url)
    if new is not None:
        yield Finding(
            WARNING, "deprecated-provider", where, f"{state.url} is no longer served", f"use {new}"
        )
    if state.url.startswith("http:"):
        yield Finding(
            WARNING,
            "plain-http",
            where,
            f"{state.url}: the hosted service takes https only",
            "keep this flow local, or give the provider an https address",
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


def _endless(flow: Flow) -> Iterator[Finding]:
    states = flow.definition["States"]
    ends = {name for name, raw in states.items() if raw.get("End") is True or raw["Type"] == "Fail"}
    leads_out = set(ends)
    changed = True
    while changed:
        more = {n for n, raw in states.items() if leads_out.intersection(targets(raw))}
        changed = not more <= leads_out
        leads_out |= more
    for name in states:
        if name not in leads_out:
            yield Finding(
                WARNING,
                "loop-without-end",
                ("definition", "States", name),
                "no way leads from here to an end of the flow",
                'let a Choice lead out of the loop, or end a state with "End": true',
            )


def _expressions(part: Any, loc: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(part, Computed):
        yield (*loc[:-1], part.key), part.expression
    elif isinstance(part, ObjectTemplate):
        for name, member in part.members:
            yield from _expressions(member, (*loc, name))
    elif isinstance(part, ArrayTemplate):
        for number, item in enumerate(part.items):
            yield from _expressions(item, (*loc, number))
