"""From a definition to a checked flow, with the service's own words for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from headrace._internal.json_check import InvalidValue, Limits, check_json
from headrace.flowlang import limits
from headrace.flowlang.errors import DefinitionError, Entry
from headrace.flowlang.model import Flow, State
from headrace.flowlang.parse_state import STATE_PARSERS
from headrace.flowlang.reader import StateReader

_TOP_LEVEL: Final = {"StartAt", "States", "Comment"}

Parser = Callable[[StateReader], State | None]


def parse_flow(definition: Any, *, allow_http_loopback: bool = True) -> Flow:
    """Check a definition and compile its paths and expressions.

    Args:
        definition: the definition, as read from JSON.
        allow_http_loopback: whether an ActionUrl on this machine may be plain http.

    Raises:
        DefinitionError: no run could use it; all that is wrong is in ``entries``.
    """
    entries: list[Entry] = []
    if not isinstance(definition, dict):
        raise DefinitionError(
            [_entry(["definition"], "value is not a valid dict", "type_error.dict")]
        )
    try:
        check_json(definition, "definition", Limits(limits.MAX_DEPTH))
    except InvalidValue as error:
        entry = _entry(["definition", *error.path], error.problem, "value_error")
        raise DefinitionError([entry]) from None
    for name in ("StartAt", "States"):
        if name not in definition:
            entries.append(_entry(["definition", name], "field required", "value_error.missing"))
    for name in sorted(set(definition) - _TOP_LEVEL, key=str):
        entries.append(
            _entry(["definition", name], "extra fields not permitted", "value_error.extra")
        )
    if not isinstance(definition.get("Comment"), str | None):
        entries.append(_entry(["definition", "Comment"], "str type expected", "type_error.str"))
    states = definition.get("States", {})
    if not isinstance(states, dict) or ("States" in definition and not states):
        message = "must be an object with at least one state"
        entries.append(_entry(["definition", "States"], message, "value_error"))
        raise DefinitionError(entries)
    parsed = {
        name: state
        for name, raw in states.items()
        if (state := _state(name, raw, states, entries, allow_http_loopback)) is not None
    }
    start = definition.get("StartAt")
    if "StartAt" in definition and (not isinstance(start, str) or start not in states):
        message = f"{start!r} is not a state; there are: {_names(states)}"
        entries.append(_entry(["definition", "StartAt"], message, "value_error"))
    if not entries:
        entries += _unreachable(str(start), states)
    if entries:
        raise DefinitionError(entries)
    return Flow(str(start), parsed, definition)


def targets(state: dict[str, Any]) -> list[str]:
    """Return the states that a state can lead to."""
    found = [state.get("Next"), state.get("Default")]
    for member in ("Choices", "Catch"):
        items = state.get(member)
        if isinstance(items, list):
            found += [item.get("Next") for item in items if isinstance(item, dict)]
    return [name for name in found if isinstance(name, str)]


def _state(
    name: str, raw: Any, states: dict[str, Any], entries: list[Entry], allow_http: bool
) -> State | None:
    loc: list[Any] = ["definition", "States", name]
    if not isinstance(name, str) or not 1 <= len(name) <= limits.MAX_NAME:
        message = f"a state's name has 1 to {limits.MAX_NAME} characters"
        entries.append(_entry(loc, message, "value_error"))
    if not isinstance(raw, dict):
        entries.append(_entry(loc, "value is not a valid dict", "type_error.dict"))
        return None
    kind = raw.get("Type")
    if "Type" not in raw:
        entries.append(_entry([*loc, "Type"], "field required", "value_error.missing"))
        return None
    parser = STATE_PARSERS.get(kind) if isinstance(kind, str) else None
    if parser is None:
        known = ", ".join(STATE_PARSERS)
        message = f"{kind!r:.60} is not a type of state; there are: {known}"
        entries.append(_entry([*loc, "Type"], message, "value_error"))
        return None
    return parser(StateReader(name, raw, frozenset(states), entries, allow_http))


def _unreachable(start: str, states: dict[str, Any]) -> list[Entry]:
    reached, waiting = {start}, [start]
    while waiting:
        for name in targets(states[waiting.pop()]):
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return [
        _entry(
            ["definition", "States", name],
            f"Flow definition contained unreachable state(s): {name}",
            "value_error",
        )
        for name in states
        if name not in reached
    ]


def _names(states: dict[str, Any]) -> str:
    names = ", ".join(map(str, list(states)[:12]))
    return names + (", ..." if len(states) > 12 else "")


def _entry(loc: list[Any], message: str, kind: str) -> Entry:
    return {"loc": loc, "msg": message, "type": kind}
