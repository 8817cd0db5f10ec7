"""Repair of a definition that the service refuses, so that its data flow can be analysed."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

from headrace._internal.near_names import nearest
from headrace.flowlang.errors import DefinitionError, Entry, PathError
from headrace.flowlang.model import Flow
from headrace.flowlang.parse import parse_flow, targets
from headrace.flowlang.paths import compile_reference

# A repair can bring out other refusals.
_MAX_ATTEMPTS: Final = 8
_PLACEHOLDER_URL: Final = "https://provider.invalid/"
_PLACEHOLDER_END: Final = {"Type": "Pass", "End": True}


@dataclass(frozen=True)
class RepairedDefinition:
    """Flow that can be analysed in place of a refused definition.

    Attributes:
        flow: the flow.
        unchecked_states: the states that were changed; of what they do nothing is known.
    """

    flow: Flow
    unchecked_states: frozenset[str]


def repair_definition(definition: Any) -> RepairedDefinition | None:
    """Remove from a definition what the service refuses; None where that does not help.

    Args:
        definition: the definition; it is not changed.
    """
    if not isinstance(definition, dict) or not isinstance(definition.get("States"), dict):
        return None
    working = copy.deepcopy(definition)
    unchecked_states: set[str] = set()
    for _ in range(_MAX_ATTEMPTS):
        try:
            return RepairedDefinition(parse_flow(working), frozenset(unchecked_states))
        except DefinitionError as error:
            entries = error.entries
        if all("unreachable" in entry["msg"] for entry in entries):
            for entry in entries:
                working["States"].pop(entry["loc"][2], None)
            continue
        # The last first, so that the indices of those before it in a list stay.
        for entry in reversed(entries):
            name = _repair_entry(working, entry)
            if name is not None:
                unchecked_states.add(name)
    return None


def _repair_entry(working: dict[str, Any], entry: Entry) -> str | None:
    """Remove what an entry is about; return the state that it belongs to."""
    loc = entry["loc"]
    states = working["States"]
    if len(loc) < 3 or loc[1] != "States" or loc[2] not in states:
        _repair_top_level(working, loc)
        return None
    name, state = loc[2], states[loc[2]]
    if not isinstance(state, dict) or loc[3:] == ["Type"]:
        states[name] = _placeholder_state(state, states)
    elif loc[3:] and loc[3] == "Comment":
        del state["Comment"]
        return None
    elif "is not a state" in entry["msg"]:
        _redirect(state, loc[3:], states)
        return None if _names_a_state(state, loc[3:], states) else str(name)
    elif len(loc) == 3 or entry["type"] == "value_error.missing":
        states[name] = _placeholder_state(state, states)
    else:
        _remove(state, loc[3:])
    return str(name)


def _repair_top_level(working: dict[str, Any], loc: list[Any]) -> None:
    states = working["States"]
    if loc[1:] == ["StartAt"]:
        near = nearest(working.get("StartAt"), states, 0.7)
        working["StartAt"] = near or next(iter(states), "")
    elif len(loc) == 2 and loc[1] not in {"StartAt", "States"}:
        working.pop(loc[1], None)


def _placeholder_state(state: Any, states: dict[str, Any]) -> dict[str, Any]:
    """Return a state with the transitions of another, and an unknown result."""
    if not isinstance(state, dict):
        return dict(_PLACEHOLDER_END)
    if isinstance(state.get("Choices"), list):
        known_targets = [name for name in dict.fromkeys(targets(state)) if name in states]
        rules = [
            {"Variable": "$._context.run_id", "StringEquals": "", "Next": name}
            for name in known_targets
        ]
        return (
            {"Type": "Choice", "Choices": rules, "Default": known_targets[0]}
            if known_targets
            else dict(_PLACEHOLDER_END)
        )
    following = state.get("Next")
    placeholder: dict[str, Any] = {"Next": following} if following in states else {"End": True}
    path = state.get("ResultPath")
    if _is_reference(path):
        placeholder["ResultPath"] = path
    catch = state.get("Catch")
    caught = [
        {
            "ErrorEquals": ["States.ALL"],
            "Next": catcher["Next"],
            "ResultPath": catcher["ResultPath"],
        }
        for catcher in (catch if isinstance(catch, list) else [])
        if isinstance(catcher, dict)
        and catcher.get("Next") in states
        and _is_reference(catcher.get("ResultPath"))
    ]
    if caught:
        placeholder["Catch"] = caught
    return {"Type": "Action", "ActionUrl": _PLACEHOLDER_URL, "Parameters": {}, **placeholder}


def _is_reference(path: Any) -> bool:
    try:
        compile_reference(path)
    except (PathError, TypeError):
        return False
    return True


def _redirect(state: dict[str, Any], where: list[Any], states: dict[str, Any]) -> None:
    """Redirect a Next to the state with the nearest name, or remove it."""
    holder: Any = state
    for step in where[:-1]:
        holder = holder[step]
    near = nearest(holder.get(where[-1]), states, 0.7)
    if near is not None:
        holder[where[-1]] = near
    elif where == ["Next"]:
        del state["Next"]
        state["End"] = True
    else:
        _remove(state, where[:-1] or where)


def _names_a_state(state: dict[str, Any], where: list[Any], states: dict[str, Any]) -> bool:
    holder: Any = state
    try:
        for step in where:
            holder = holder[step]
    except (KeyError, IndexError, TypeError):
        return False
    return holder in states


def _remove(state: dict[str, Any], where: list[Any]) -> None:
    holder: Any = state
    for step in where[:-1]:
        try:
            holder = holder[step]
        except (KeyError, IndexError, TypeError):
            return
    try:
        del holder[where[-1]]
    except (KeyError, IndexError, TypeError):
        return
    if isinstance(holder, list) and not holder:
        _remove(state, where[:-1])
