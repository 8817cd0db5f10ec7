"""What is checked before a flow is stored or a run is accepted."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError

from headrace.flowlang import DefinitionError, parse_flow

# Every format that needs no further package; as at the service, uuid and email are checked.
_FORMATS = FormatChecker()

Entries = list[dict[str, Any]]


def definition_entries(definition: Any) -> Entries:
    """Returns what is wrong with a definition, in the service's entries."""
    try:
        parse_flow(definition)
    except DefinitionError as error:
        return list(error.entries)
    return []


def schema_entries(schema: Any) -> Entries:
    """Returns what is wrong with an input schema."""
    try:
        Draft7Validator.check_schema(schema)
    except SchemaError as error:
        loc = ["input_schema", *error.absolute_path]
        return [{"loc": loc, "msg": error.message, "type": "value_error"}]
    return []


def input_entries(schema: dict[str, Any], body: dict[str, Any]) -> Entries:
    """Returns what in a run's input does not fit the flow's schema."""
    errors = Draft7Validator(schema, format_checker=_FORMATS).iter_errors(body)
    return [_entry(error) for error in sorted(errors, key=lambda e: list(map(str, e.path)))]


def _entry(error: ValidationError) -> dict[str, Any]:
    return {"loc": [error.json_path], "msg": error.message, "type": "InvalidActionInput"}
