"""An entry to the middle of a flow, for a service that begins every run at the flow's start.

A definition with the entry begins with a Choice: where the input has the member
:data:`RESUME_MEMBER`, its ``payload`` becomes the payload, and the run goes on at its ``state``;
otherwise the flow begins as it did without the entry. So does a run whose member names no state,
as a web form makes one that nobody filled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

RESUME_MEMBER: Final = "_headrace_resume"
"""Member of the input that says where a run goes on, and with which payload."""

_PREFIX: Final = "HeadraceResume"
_START: Final = _PREFIX
_WHERE: Final = f"{_PREFIX}Where"
_END: Final = f"{_PREFIX}AtEnd"
_UNKNOWN: Final = f"{_PREFIX}Unknown"
_OWN: Final = re.compile(rf"{_PREFIX}(?:Where|AtEnd|Unknown|At[0-9]+)?")
# A schema with one of these at its top may refuse a member that its properties name.
_CLOSED: Final = frozenset(
    {"$ref", "allOf", "anyOf", "dependencies", "if", "maxProperties", "not", "oneOf"}
    | {"patternProperties", "propertyNames", "unevaluatedProperties", "dependentSchemas"}
)
_MEMBER_SCHEMA: Final = {
    "title": "For `headrace run retry` alone",
    "description": "Where a run that failed goes on, and with which payload. Leave it out.",
    "type": "object",
    # None is required: forms for people send an empty object for one that they leave out.
    "dependencies": {"state": ["payload"]},
    "properties": {"state": {"type": "string"}, "payload": {"type": "object"}},
}


def is_resume_state(name: str) -> bool:
    """Return whether a state is part of the entry, and none of the flow's own."""
    return _OWN.fullmatch(name) is not None


def has_resume_entry(definition: Mapping[str, Any]) -> bool:
    """Return whether a definition has the entry."""
    states = definition.get("States")
    if definition.get("StartAt") != _START or not isinstance(states, Mapping):
        return False
    start = states.get(_START)
    # A flow may have a state of that name for itself.
    return (
        {_WHERE, _END, _UNKNOWN} <= set(states)
        and isinstance(start, Mapping)
        and "Default" in start
    )


def with_resume_entry(
    definition: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a definition and its input schema with the entry.

    Both are returned unchanged where the flow has states of such names, or a schema whose
    properties do not say alone which members an input may have.
    """
    states: Mapping[str, Any] = definition["States"]
    unsuitable = any(name.startswith(_PREFIX) for name in states) or RESUME_MEMBER in schema.get(
        "properties", {}
    )
    if unsuitable or _CLOSED & set(schema):
        return dict(definition), dict(schema)
    payload, place_named = f"$.{RESUME_MEMBER}.payload", f"$.{RESUME_MEMBER}.state"
    places = {name: f"{_PREFIX}At{number}" for number, name in enumerate(states, 1)}
    entry: dict[str, Any] = {
        _START: {
            "Comment": "Made by `headrace deploy`: `headrace run retry` goes on in the middle.",
            "Type": "Choice",
            "Choices": [{"Variable": f"$.{RESUME_MEMBER}", "IsPresent": True, "Next": _WHERE}],
            "Default": definition["StartAt"],
        },
        _WHERE: {
            "Type": "Choice",
            "Choices": [
                *(
                    {"Variable": path, "IsPresent": False, "Next": definition["StartAt"]}
                    for path in (place_named, payload)
                ),
                *(
                    {"Variable": place_named, "StringEquals": name, "Next": place}
                    for name, place in {**places, "": _END}.items()
                ),
            ],
            "Default": _UNKNOWN,
        },
        _UNKNOWN: {
            "Type": "Fail",
            "Error": "NoSuchState",
            "Cause": "The flow has no state of the name that the input wants to go on at.",
        },
        _END: {"Type": "Pass", "InputPath": payload, "End": True},
    }
    for name, place in places.items():
        entry[place] = {"Type": "Pass", "InputPath": payload, "Next": name}
    resumable = {**definition, "StartAt": _START, "States": {**states, **entry}}
    if not schema:
        return resumable, {}
    properties = {**schema.get("properties", {}), RESUME_MEMBER: _MEMBER_SCHEMA}
    return resumable, {**schema, "properties": properties}


def without_resume_entry(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition as it is without the entry."""
    if not has_resume_entry(definition):
        return dict(definition)
    states = definition["States"]
    own = {name: state for name, state in states.items() if not is_resume_state(name)}
    return {**definition, "StartAt": states[_START]["Default"], "States": own}


def without_resume_member(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return an input schema as it is without the entry."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or RESUME_MEMBER not in properties:
        return dict(schema)
    own = {name: each for name, each in properties.items() if name != RESUME_MEMBER}
    return {**schema, "properties": own}


def resume_input(body: Mapping[str, Any], state: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input of a run that goes on at a state.

    Args:
        body: the flow's input, as its schema wants it.
        state: the state; empty: the flow's end.
        payload: what the state gets.
    """
    return {**body, RESUME_MEMBER: {"state": state, "payload": dict(payload)}}
