"""Validation of definitions, input schemas and inputs of runs."""

from __future__ import annotations

from typing import Any, Final

from headrace._internal.json_check import InvalidValue, check_text
from headrace._internal.json_schema import schema_problems, value_problems
from headrace._internal.schema_cost import is_cheap
from headrace.flowlang import DefinitionError, parse_flow

# Comparisons of one value with one rule that take a millisecond or so.
_QUICK: Final = 2_000

Entries = list[dict[str, Any]]


def definition_entries(definition: Any) -> Entries:
    """Return what is wrong with a definition, in the service's entries."""
    try:
        parse_flow(definition)
        for name in definition["States"]:
            check_text(name, "definition.States")
    except DefinitionError as error:
        return list(error.entries)
    except InvalidValue as error:
        message = f"a state's name: {error.problem}"
        return [{"loc": ["definition", "States"], "msg": message, "type": "value_error"}]
    return []


def schema_entries(schema: Any) -> Entries:
    """Return what is wrong with an input schema."""
    return [
        {"loc": ["input_schema", *problem.path], "msg": problem.message, "type": "value_error"}
        for problem in schema_problems(schema)
    ]


def is_quick_input(schema: Any, body: Any) -> bool:
    """Say whether an input can be checked beside the event loop's other work."""
    return is_cheap(schema, body, _QUICK)


def input_entries(schema: dict[str, Any], body: dict[str, Any]) -> Entries:
    """Return what in a run's input does not fit the flow's schema."""
    return [
        {"loc": [problem.json_path], "msg": problem.message, "type": "InvalidActionInput"}
        for problem in value_problems(schema, body)
    ]
