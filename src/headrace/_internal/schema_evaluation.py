"""Evaluation of JSON Schemas in this process, however long it takes.

Draft 7 is the dialect. A schema may refer to itself only; nothing is fetched.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace._internal.schema_references import References
from headrace._internal.terminal_text import terminal_text

if TYPE_CHECKING:
    from jsonschema import Draft7Validator, FormatChecker
    from jsonschema.exceptions import ValidationError

# A value that is wrong everywhere is reported in so many places.
MAX_PROBLEMS: Final = 100
_MAX_MESSAGE: Final = 500
# A pattern that asks for a text at the end alone is told in words.
_ENDING: Final = re.compile(r"([^\\^$.|?*+()\[\]{}]+)\$")
_MAX_SHOWN: Final = 100


class SchemaProblem(NamedTuple):
    """One thing that is wrong.

    Attributes:
        path: where, as members and indices.
        message: what, in one line.
        json_path: where, as text such as ``$.files[3].name``.
        rule: the keyword of the schema that is broken, such as ``pattern``; empty where none is.
    """

    path: tuple[str | int, ...]
    message: str
    json_path: str
    rule: str = ""


def schema_problems_in_process(schema: Any) -> list[SchemaProblem]:
    """Return what is wrong with a schema; nothing where values can be checked against it.

    Args:
        schema: JSON that is checked already: Unicode, finite, not too deep.
    """
    if not isinstance(schema, dict | bool):
        return [SchemaProblem((), "must be an object, or true or false", "$")]
    references = References(schema)
    found = [_problem(path, message) for path, message in references.problems]
    meta = _validator(_meta_schema())
    for part in [((), schema), *((target.path, target.schema) for target in references.targets)]:
        where, value = part
        for error in islice(meta.iter_errors(value), MAX_PROBLEMS):
            found.append(_problem((*where, *error.absolute_path), _message(error)))
    return [*dict.fromkeys(found)][:MAX_PROBLEMS]


def value_problems_in_process(schema: Any, value: Any) -> list[SchemaProblem]:
    """Return where a value does not fit a schema.

    Args:
        schema: a schema; what is wrong with it is the answer where something is.
        value: JSON that is checked already.
    """
    text = json.dumps(schema)
    wrong = _problems_of(text)
    if wrong:
        where = wrong[0].json_path
        return [SchemaProblem((), f"the schema is wrong at {where}: {wrong[0].message}", "$")]
    try:
        errors = [*islice(_value_validator(text).iter_errors(value), MAX_PROBLEMS)]
    except (ArithmeticError, ValueError, TypeError, RecursionError) as error:
        name = type(error).__name__
        return [SchemaProblem((), f"the schema cannot be applied to it: {name}: {error}", "$")]
    found = [
        _problem(tuple(error.absolute_path), _message(error), str(error.validator))
        for error in errors
    ]
    return sorted(found, key=lambda problem: (problem.json_path, problem.message))


def known_schema_problems(schema: Any) -> list[SchemaProblem]:
    """Return the same as :func:`schema_problems_in_process`, found once for each schema."""
    return _problems_of(json.dumps(schema))


@lru_cache(maxsize=256)
def _problems_of(schema: str) -> list[SchemaProblem]:
    return schema_problems_in_process(json.loads(schema))


@lru_cache(maxsize=256)
def _value_validator(schema: str) -> Draft7Validator:
    return _validator(json.loads(schema), _formats())


def _validator(schema: Any, formats: FormatChecker | None = None) -> Draft7Validator:
    from jsonschema import Draft7Validator
    from referencing import Registry

    # A registry of nothing: jsonschema's own would fetch what a reference leads to.
    return Draft7Validator(schema, registry=Registry(), format_checker=formats)


@lru_cache(maxsize=1)
def _formats() -> FormatChecker:
    from jsonschema import FormatChecker

    # Every format that needs no further package; as at the service, uuid and email are checked.
    return FormatChecker()


def _meta_schema() -> Any:
    from jsonschema import Draft7Validator

    return Draft7Validator.META_SCHEMA


def _problem(path: tuple[str | int, ...], message: str, rule: str = "") -> SchemaProblem:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return SchemaProblem(path, message, terminal_text("".join(["$", *steps])), rule)


def _message(error: ValidationError) -> str:
    """Return an error's message; a large value in it would hide what is wrong with it."""
    text, value = str(error.message), repr(error.instance)
    ending = _ENDING.fullmatch(str(error.validator_value)) if error.validator == "pattern" else None
    if ending is not None:
        text = f"{value} does not end with {ending[1]!r}"
    if len(value) > _MAX_SHOWN:
        text = text.replace(value, f"the {type(error.instance).__name__} there")
    if len(text) > _MAX_MESSAGE:
        text = f"{text[:_MAX_MESSAGE]}..."
    return terminal_text(text)
