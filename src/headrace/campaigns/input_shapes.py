"""Shapes of inputs: which members the inputs of rows have, as the flow checker reads them.

A flow's input schema says what an input may have; a row's input says what it does have. The checker
follows the flow with just that: a state that reads an optional member which this row's input has
not is found before the first core hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace.project.flow_sources import FlowSource

MOST_SHAPES: Final = 40
"""Shapes of one flow's inputs that are checked; tables have one or a few."""

_TYPES: Final[Mapping[type, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    type(None): "null",
}


def input_shape(value: Any) -> Any:
    """Return the shape of a JSON value: members, and types of what is not an object.

    Values of one shape are equal for the checker, but for what they are.
    """
    if isinstance(value, Mapping):
        return tuple((name, input_shape(one)) for name, one in sorted(value.items()))
    if isinstance(value, list):
        shapes = {input_shape(one) for one in value}
        return ("[]", shapes.pop() if len(shapes) == 1 else None, bool(value))
    return value if isinstance(value, bool) else _TYPES[type(value)]


def shape_schema(value: Any) -> dict[str, Any]:
    """Return a JSON schema that says of an input what its shape says."""
    if isinstance(value, Mapping):
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: shape_schema(one) for name, one in value.items()},
            "required": list(value),
        }
    if isinstance(value, list):
        first = {"items": shape_schema(value[0])} if value and input_shape(value)[1] else {}
        return {"type": "array", "minItems": 1 if value else 0, **first}
    if isinstance(value, bool):
        return {"const": value}
    return {"type": _TYPES[type(value)]}


class ShapeChecker:
    """Checks a flow against the shapes of its inputs, each once.

    Args:
        source: the flow.
    """

    def __init__(self, source: FlowSource) -> None:
        self._source = source
        self._known: dict[Any, list[str]] = {}
        self._errors_of_flow: set[tuple[str, Any]] | None = None

    def problems(self, body: Any) -> list[str]:
        """Return what the checker finds for an input and not for the flow by itself.

        Args:
            body: the input, names resolved.
        """
        shape = input_shape(body)
        if shape not in self._known:
            self._known[shape] = self._check(body) if len(self._known) < MOST_SHAPES else []
        return self._known[shape]

    def _check(self, body: Any) -> list[str]:
        if self._errors_of_flow is None:
            found = self._errors(self._source.input_schema)
            self._errors_of_flow = {(one.code, one.loc) for one in found}
        return [
            f"flow {self._source.name}: {one.code}: {one.message}"
            for one in self._errors(shape_schema(body))
            if (one.code, one.loc) not in self._errors_of_flow
        ]

    def _errors(self, schema: Any) -> list[Any]:
        from headrace.flowlang.checker import check_flow

        findings = check_flow(self._source.definition, schema)
        return [one for one in findings if one.severity == "error" and one.loc[0] == "definition"]
