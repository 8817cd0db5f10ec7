"""Parts of flows for tests of the checker."""

from __future__ import annotations

import json
from typing import Any

from headrace.flowlang import Finding, check_flow
from headrace.flowlang.checker.analysis.json_types import JsonType, Presence, kind_of
from headrace.flowlang.checker.analysis.lookup import get

COMPUTE = "https://compute.actions.globus.org/v3"
TRANSFER = "https://transfer.actions.globus.org/transfer"
LS = "https://transfer.actions.globus.org/ls"
STAT = "https://transfer.actions.globus.org/stat"
CANNOT, MAY = ("error", "path-cannot-exist"), ("warning", "path-may-be-missing")
UNDECLARED = ("warning", "undeclared-input")
MISMATCH = ("error", "type-mismatch")
NEVER, ALWAYS = ("warning", "choice-never"), ("warning", "choice-always")
NO_DEFAULT = ("warning", "choice-without-default")


def schema(required: list[str], optional: list[str] | None = None, **more: Any) -> dict[str, Any]:
    """A schema of an input with these strings, and members of the given schemas, required."""
    names = [*required, *(optional or [])]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [*required, *more],
        "properties": {**{name: {"type": "string"} for name in names}, **more},
    }


INPUT = schema(
    ["a"],
    ["maybe"],
    n={"type": "number"},
    flag={"type": "boolean"},
    mode={"enum": ["fast", "slow"]},
    items={"type": "array", "items": {"type": "string"}},
    some={"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
    o={
        "type": "object",
        "additionalProperties": False,
        "required": ["id"],
        "properties": {"id": {"type": "string"}},
    },
)


def found(
    definition: dict[str, Any], input_schema: Any = INPUT, *, unread: bool = False, **more: Any
) -> list[Finding]:
    """What the checker finds; inputs that nobody reads are left out unless asked for."""
    findings = check_flow(definition, input_schema, source=json.dumps(definition), **more)
    for finding in findings:
        assert finding.message
        assert finding.fix
        assert finding.message.isprintable()
        assert finding.fix.isprintable()
        assert finding.line == (1 if finding.loc[0] == "definition" else None)
    return [f for f in findings if unread or f.code != "input-not-read"]


def codes(findings: list[Finding]) -> list[tuple[str, str]]:
    """Severities and codes."""
    return [(finding.severity, finding.code) for finding in findings]


def reading(path: str, **more: Any) -> dict[str, Any]:
    """A last state that reads a path."""
    return {"Type": "Pass", "Parameters": {"x.$": path}, "End": True, **more}


def computing(text: str, **more: Any) -> dict[str, Any]:
    """A last state that evaluates an expression."""
    fields = {"Type": "ExpressionEval", "Parameters": {"x.=": text}, "ResultPath": "$.e"}
    return {**fields, **(more or {"End": True})}


def choice(rules: list[dict[str, Any]], default: str | None = None) -> dict[str, Any]:
    """A Choice."""
    state: dict[str, Any] = {"Type": "Choice", "Choices": rules}
    return {**state, "Default": default} if default else state


def rule(path: str, operator: str, operand: Any, following: str | None = None) -> dict[str, Any]:
    """A rule of a Choice."""
    made = {"Variable": path, operator: operand}
    return {**made, "Next": following} if following else made


def present(path: str, following: str, expected: bool = True) -> dict[str, Any]:
    """A rule that tests whether a path is there."""
    return rule(path, "IsPresent", expected, following)


def catching(following: str, *errors: str, path: str | None = "$.e") -> dict[str, Any]:
    """A catcher."""
    made: dict[str, Any] = {"ErrorEquals": list(errors) or ["States.ALL"], "Next": following}
    return {**made, "ResultPath": path} if path else made


def admits(json_type: JsonType, value: Any) -> bool:
    """Whether a type has a value; written apart from how types are inferred."""
    kind = kind_of(value)
    if not json_type.kinds & kind:
        return False
    if isinstance(value, dict):
        for name, member in json_type.members.items():
            if name not in value and member.presence == Presence.MUST:
                return False
        return all(
            (found := get(json_type, (name,))).presence > Presence.CANNOT
            and admits(found.json_type, item)
            for name, item in value.items()
        )
    if isinstance(value, list):
        return json_type.items is None or all(admits(json_type.items, item) for item in value)
    return json_type.values is None or (kind, value) in json_type.values
