"""What people can answer to the questions of a flow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from headrace.flowlang.action_urls import AWAIT_WEB_INPUT, CREATE_WEB_INPUT
from headrace.flowlang.checker.analysis.json_types import Member, Shape, one_of
from headrace.flowlang.checker.analysis.lookup import look
from headrace.flowlang.checker.analysis.provider_results import details_of
from headrace.flowlang.model import ActionState, Flow
from headrace.flowlang.parameters import ObjectTemplate, Reference
from headrace.flowlang.providers import provider_of

_OPTIONS = "Options"
_VALUE = "Value"
_RESPONSE = "response"


def response_of(flow: Flow, state: ActionState) -> Shape:
    """Return what an AwaitWebInput gives.

    Where it is known which question it waits for, and the values of all its options stand in the
    definition, the response is one of them.

    Args:
        flow: the flow.
        state: the AwaitWebInput.
    """
    (given,) = details_of(provider_of(AWAIT_WEB_INPUT))
    values = _values(flow, state)
    possible = one_of(values) if values else None
    if possible is None or look(given, (_RESPONSE,)).shape is given:
        return given
    members = {**given.members, _RESPONSE: Member(possible)}
    return replace(given, members=members)


def _values(flow: Flow, state: ActionState) -> list[str]:
    place = _question(state)
    values: list[str] = []
    for other in flow.states.values():
        if not isinstance(other, ActionState) or other.url != CREATE_WEB_INPUT:
            continue
        if place is not None and other.result_path.steps != place:
            continue
        found = list(_options(flow.definition["States"][other.name]))
        if not all(isinstance(value, str) for value in found):
            return []
        values += found
    return values


def _question(state: ActionState) -> tuple[Any, ...] | None:
    """Return where the answer of the CreateWebInput stands that is waited for."""
    template = state.parameters
    members = template.members if isinstance(template, ObjectTemplate) else ()
    ids = [part for _, part in members if isinstance(part, Reference)]
    return ids[0].path.steps[:-1] if len(ids) == 1 else None


def _options(raw: Any) -> Iterator[Any]:
    options = raw.get("Parameters", {}).get(_OPTIONS)
    if not isinstance(options, list):
        yield None
        return
    for option in options:
        yield option.get(_VALUE) if isinstance(option, dict) else None
