"""Findings on transfers whose source and destination are mixed up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.json_types import JsonType, Presence
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.analysis.uses import state_loc, template_parts
from headrace.flowlang.checker.report.finding import WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.checker.rules.suffixes import chains_of
from headrace.flowlang.model import ActionState
from headrace.flowlang.parameters import Computed, Constant, ObjectTemplate, Reference, plain_name
from headrace.flowlang.providers import provider_of

_TRANSFER: Final = "transfer"
_ROLES: Final = {
    "source": "source",
    "src": "source",
    "destination": "destination",
    "dest": "destination",
    "dst": "destination",
}
_SIDES: Final = ("source", "destination")
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@rule("mixed-ends", WARNING)
def transfer_direction(context: RuleContext) -> Iterator[Finding]:
    """Yield transfers with the collection of one end and the path of the other."""
    analysis = context.analysis
    for name, state in analysis.flow.states.items():
        if not isinstance(state, ActionState) or not isinstance(state.parameters, ObjectTemplate):
            continue
        provider = provider_of(state.url)
        entry_states = analysis.states_at(name)
        if provider is not None and provider.name == _TRANSFER and entry_states:
            json_type = entry_states[0].payload
            yield from _transfer(state.parameters, (*state_loc(name), "Parameters"), json_type)


def _transfer(template: ObjectTemplate, loc: Loc, json_type: JsonType) -> Iterator[Finding]:
    named: dict[str, list[tuple[Loc, Any]]] = {}
    for where, part in _leaves(template, loc):
        named.setdefault(plain_name(str(where[-1])), []).append((where, part))
    collections = {side: named.get(f"{side}_endpoint", []) for side in _SIDES}
    paths = {side: named.get(f"{side}_path", []) for side in _SIDES}
    for side, found in collections.items():
        for where, collection in found:
            other = next((p for _, p in paths[side] if _is_mixed(collection, p, json_type)), None)
            if other is not None:
                yield Finding(
                    WARNING,
                    "mixed-ends",
                    where,
                    f"{side}_endpoint is {_shown(collection)}, and {side}_path is "
                    f"{_shown(other)}: the collection of one place and the path of another",
                    "take both from the same place",
                )
                return
    if _equal(*collections.values()) and _equal(*paths.values()):
        yield Finding(
            WARNING,
            "mixed-ends",
            loc,
            "source and destination are the same path of the same collection",
            "correct one of the two",
        )


def _is_mixed(collection: Any, path: Any, json_type: JsonType) -> bool:
    """Say whether a collection and a path belong to two objects that have both.

    They do by the words source and destination in their names, or where each stands in an object
    that has what the other was taken from too.
    """
    role = _role(collection)
    if role is not None and _role(path) not in (None, role):
        return True
    if not isinstance(collection, Reference) or len(collection.path.steps) < 2:
        return False
    *object_path, leaf = collection.path.steps
    others = [steps for steps in _paths_of(path) if len(steps) > 1]
    if not others or any(list(steps[:-1]) == object_path for steps in others):
        return False
    return all(
        _is_there(json_type, (*steps[:-1], leaf))
        and _is_there(json_type, (*object_path, steps[-1]))
        for steps in others
    )


def _paths_of(part: Any) -> list[Steps]:
    if isinstance(part, Reference):
        return [part.path.steps]
    return chains_of(part.expression) if isinstance(part, Computed) else []


def _is_there(json_type: JsonType, steps: Steps) -> bool:
    return get(json_type, steps).presence in (Presence.MAY, Presence.MUST)


def _leaves(template: ObjectTemplate, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    for where, part in template_parts(template, loc):
        if isinstance(part, Constant) and isinstance(part.value, list | dict):
            yield from _constants(part.value, where)
        else:
            yield where, part


def _constants(value: Any, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _constants(item, (*loc, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _constants(item, (*loc, number))
    else:
        yield loc, Constant(value)


def _role(part: Any) -> str | None:
    """Return the end that a path belongs to by the words in its name, if it is only one."""
    if not isinstance(part, Reference | Computed):
        return None
    words = [word.lower() for word in _WORD.findall(_shown(part))]
    roles = {_ROLES[word] for word in words if word in _ROLES}
    return roles.pop() if len(roles) == 1 else None


def _equal(one: list[tuple[Loc, Any]], other: list[tuple[Loc, Any]]) -> bool:
    """Say whether two parameters, each given once, are the same path or value."""
    if len(one) != 1 or len(other) != 1:
        return False
    left, right = one[0][1], other[0][1]
    if isinstance(left, Constant) and isinstance(right, Constant):
        return bool(left.value == right.value)
    return (
        isinstance(left, Reference)
        and isinstance(right, Reference)
        and (left.path.steps == right.path.steps)
    )


def _shown(part: Any) -> str:
    if isinstance(part, Reference):
        return part.path.text
    return part.expression.text if isinstance(part, Computed) else repr(part.value)
