"""A definition that the service refuses, made whole as far as needed to follow its data."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

from headrace._internal.near_names import nearest
from headrace.flowlang.errors import DefinitionError, Entry, PathError
from headrace.flowlang.model import Flow
from headrace.flowlang.parse import parse_flow, targets
from headrace.flowlang.paths import compile_reference

# So often at most: what is put right can bring out what was hidden by it.
_TURNS: Final = 8
_ANYWHERE: Final = "https://provider.invalid/"
_END: Final = {"Type": "Pass", "End": True}


@dataclass(frozen=True)
class Repaired:
    """A definition that can be followed.

    Attributes:
        flow: the flow.
        doubtful: the states that were changed; of what they do nothing is known.
    """

    flow: Flow
    doubtful: frozenset[str]


def repaired(definition: Any) -> Repaired | None:
    """Return a definition with what is refused taken out of it; None where that does not help.

    Args:
        definition: the definition; it is not changed.
    """
    if not isinstance(definition, dict) or not isinstance(definition.get("States"), dict):
        return None
    working = copy.deepcopy(definition)
    doubtful: set[str] = set()
    for _ in range(_TURNS):
        try:
            return Repaired(parse_flow(working), frozenset(doubtful))
        except DefinitionError as error:
            entries = error.entries
        if all("unreachable" in entry["msg"] for entry in entries):
            for entry in entries:
                working["States"].pop(entry["loc"][2], None)
            continue
        # The last first, so that the places of those before it in a list stay.
        for entry in reversed(entries):
            name = _put_right(working, entry)
            if name is not None:
                doubtful.add(name)
    return None


def _put_right(working: dict[str, Any], entry: Entry) -> str | None:
    """Take out what an entry is about; return the state that it belongs to."""
    loc = entry["loc"]
    states = working["States"]
    if len(loc) < 3 or loc[1] != "States" or loc[2] not in states:
        _at_top(working, loc)
        return None
    name, state = loc[2], states[loc[2]]
    if not isinstance(state, dict) or loc[3:] == ["Type"]:
        states[name] = _replaced(state, states)
    elif loc[3:] and loc[3] == "Comment":
        del state["Comment"]
        return None
    elif "is not a state" in entry["msg"]:
        _lead(state, loc[3:], states)
        return None if _names_a_state(state, loc[3:], states) else str(name)
    elif len(loc) == 3 or entry["type"] == "value_error.missing":
        states[name] = _replaced(state, states)
    else:
        _remove(state, loc[3:])
    return str(name)


def _at_top(working: dict[str, Any], loc: list[Any]) -> None:
    states = working["States"]
    if loc[1:] == ["StartAt"]:
        near = nearest(working.get("StartAt"), states, 0.7)
        working["StartAt"] = near or next(iter(states), "")
    elif len(loc) == 2 and loc[1] not in {"StartAt", "States"}:
        working.pop(loc[1], None)


def _replaced(state: Any, states: dict[str, Any]) -> dict[str, Any]:
    """Return a state that leads where another does, and of whose doing nothing is known."""
    if not isinstance(state, dict):
        return dict(_END)
    if isinstance(state.get("Choices"), list):
        led = [name for name in dict.fromkeys(targets(state)) if name in states]
        rules = [
            {"Variable": "$._context.run_id", "StringEquals": "", "Next": name} for name in led
        ]
        return {"Type": "Choice", "Choices": rules, "Default": led[0]} if led else dict(_END)
    following = state.get("Next")
    way: dict[str, Any] = {"Next": following} if following in states else {"End": True}
    path = state.get("ResultPath")
    if _is_reference(path):
        way["ResultPath"] = path
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
        way["Catch"] = caught
    return {"Type": "Action", "ActionUrl": _ANYWHERE, "Parameters": {}, **way}


def _is_reference(path: Any) -> bool:
    try:
        compile_reference(path)
    except (PathError, TypeError):
        return False
    return True


def _lead(state: dict[str, Any], where: list[Any], states: dict[str, Any]) -> None:
    """Leads a Next to the state that was nearly named, or away."""
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
