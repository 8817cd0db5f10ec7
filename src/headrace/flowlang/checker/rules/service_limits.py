"""Findings of the service itself, which refuses a definition, with advice."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from headrace._internal.near_names import nearest
from headrace.flowlang.checker.report.finding import ERROR, Finding
from headrace.flowlang.choice_operators import OPERATORS
from headrace.flowlang.errors import Entry

_COMMON: Final = ("Type", "Comment", "Next", "End")
_PLACING: Final = (*_COMMON, "Parameters", "InputPath", "ResultPath")
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Action": (
        *_PLACING,
        "ActionUrl",
        "ActionScope",
        "Handler",
        "RunAs",
        "WaitTime",
        "ExceptionOnActionFailure",
        "Catch",
    ),
    "ExpressionEval": (*_COMMON, "Parameters", "ResultPath"),
    "Pass": (*_PLACING, "Result"),
    "Choice": ("Type", "Comment", "Choices", "Default"),
    "Wait": (*_COMMON, "Seconds", "SecondsPath", "Timestamp", "TimestampPath"),
    "Fail": ("Type", "Comment", "Error", "ErrorPath", "Cause", "CausePath"),
    "CreateWebInput": (*_PLACING, "Catch"),
    "AwaitWebInput": (*_PLACING, "Catch"),
}
# Names of the Amazon States Language that Flows does not have, or has under another name.
_AMAZON_NAMES: Final = {
    "Task": 'use a state of type "Action"',
    "Succeed": 'use a state of type "Pass" with "End": true',
    "Parallel": "Flows runs one state at a time; start other flows as actions instead",
    "Map": "give a Compute action all tasks at once, or loop with a Choice",
    "Retry": "lead a Catch to a Wait, and from there back to the state",
    "OutputPath": 'use "ResultPath"',
    "ResultSelector": "pick the members with an ExpressionEval after it",
    "TimeoutSeconds": 'use "WaitTime"',
    "HeartbeatSeconds": 'use "WaitTime"',
    "Resource": 'use "ActionUrl"',
    "Version": "remove it",
    "QueryLanguage": "remove it: paths are JSONPath, and expressions stand under names with '.='",
    "Assign": "write it into the payload with an ExpressionEval",
    "Arguments": 'use "Parameters"',
    "Output": 'use "Parameters" of a Pass or an ExpressionEval',
}


def refused_definition(entries: Collection[Entry], definition: Any) -> Iterator[Finding]:
    """Yield the service's refusals of a definition.

    Args:
        entries: what is wrong, as ``{"loc", "msg", "type"}``.
        definition: the definition.
    """
    for entry in entries:
        code = "unreachable-state" if "unreachable" in entry["msg"] else "invalid-definition"
        loc = tuple(entry["loc"])
        yield Finding(
            ERROR, code, loc, entry["msg"], _fix(entry, loc, definition), kind=entry["type"]
        )


def _fix(entry: Entry, loc: tuple[Any, ...], definition: Any) -> str:
    message, last = entry["msg"], loc[-1]
    if "unreachable" in message:
        return "lead a state to it, or remove it"
    if message == "field required":
        return f'add "{last}"'
    if "terminal" in message:
        return 'add "Next" with the state that follows, or "End": true'
    if "is not a state" in message:
        return _suggestion(
            _at(definition, loc[1:]), _states(definition), "lead it to a state that is"
        )
    if entry["type"] == "value_error.extra":
        return _other_field(str(last), loc, definition)
    if last == "Type":
        kind = _at(definition, loc[1:])
        hint = _AMAZON_NAMES.get(kind) if isinstance(kind, str) else None
        return hint or _suggestion(kind, FIELDS, "use one of them")
    if "is not an operator" in message:
        return _suggestion(last, OPERATORS, "use an operator such as StringEquals")
    if "exactly one operator" in message:
        return _rule_fix(_at(definition, loc[1:]))
    return "correct it as the message says"


def _other_field(name: str, loc: tuple[Any, ...], definition: Any) -> str:
    if name in _AMAZON_NAMES:
        return _AMAZON_NAMES[name]
    holder = _at(definition, loc[1:-1])
    kind = holder.get("Type") if isinstance(holder, dict) else None
    if len(loc) == 2:
        known: Collection[str] = ("StartAt", "States", "Comment")
    elif len(loc) > 4 and "Catch" in loc[3:]:
        known = ("ErrorEquals", "Next", "ResultPath")
    else:
        known = FIELDS.get(kind, ()) if isinstance(kind, str) else ()
    return _suggestion(name, known, "remove it")


def _rule_fix(rule: Any) -> str:
    if not isinstance(rule, dict):
        return "correct the rule"
    if "Condition" in rule:
        return "write it as a Variable with an operator; JSONata is not supported"
    for name in rule:
        if name not in {"Variable", "Next", "Comment", "And", "Or", "Not", *OPERATORS}:
            return _suggestion(name, {"Variable", *OPERATORS}, f"remove {str(name)[:60]!r}")
    return 'put several operators into one "And"'


def _suggestion(name: Any, known: Collection[str], otherwise: str) -> str:
    near = nearest(name, (item for item in known if isinstance(item, str)), 0.7)
    return f"did you mean {near!r}?" if near else otherwise


def _states(definition: Any) -> Collection[str]:
    states = definition.get("States") if isinstance(definition, dict) else None
    return states if isinstance(states, dict) else ()


def _at(value: Any, loc: tuple[Any, ...]) -> Any:
    for step in loc:
        inside = isinstance(value, dict) and step in value
        if not inside and not (
            isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value)
        ):
            return None
        value = value[step]
    return value
