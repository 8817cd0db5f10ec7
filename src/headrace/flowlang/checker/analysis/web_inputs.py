"""Response types of a flow's web inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from headrace.flowlang.action_urls import AWAIT_WEB_INPUT, CREATE_WEB_INPUT
from headrace.flowlang.checker.analysis.json_types import JsonType, Member
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.analysis.provider_results import details_types
from headrace.flowlang.checker.analysis.type_constructors import type_of_values
from headrace.flowlang.model import ActionState, Flow
from headrace.flowlang.parameters import ObjectTemplate, Reference
from headrace.flowlang.providers import provider_of

_OPTIONS = "Options"
_VALUE = "Value"
_RESPONSE = "response"


def web_input_response_type(flow: Flow, state: ActionState) -> JsonType:
    """Return the type of an AwaitWebInput's result.

    Where it is known which web input it waits for, and the values of all its options stand in the
    definition, the response is one of them.

    Args:
        flow: the flow.
        state: the AwaitWebInput.
    """
    (answer,) = details_types(provider_of(AWAIT_WEB_INPUT))
    values = _values(flow, state)
    possible = type_of_values(values) if values else None
    if possible is None or get(answer, (_RESPONSE,)).json_type is answer:
        return answer
    members = {**answer.members, _RESPONSE: Member(possible)}
    return replace(answer, members=members)


def _values(flow: Flow, state: ActionState) -> list[str]:
    awaited = _awaited_result_path(state)
    values: list[str] = []
    for other in flow.states.values():
        if not isinstance(other, ActionState) or other.url != CREATE_WEB_INPUT:
            continue
        if awaited is not None and other.result_path.steps != awaited:
            continue
        found = list(_options(flow.definition["States"][other.name]))
        if not all(isinstance(value, str) for value in found):
            return []
        values += found
    return values


def _awaited_result_path(state: ActionState) -> tuple[Any, ...] | None:
    """Return the ResultPath of the CreateWebInput that a state waits for."""
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
