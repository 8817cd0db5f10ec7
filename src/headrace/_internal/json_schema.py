"""JSON Schemas that come from outside: checked before they are kept, and applied with a limit.

A schema is a program: a reference can lead to any address, and a pattern or a tangle of references
can keep an evaluation busy for years. So a schema may refer to itself only, and what could take
long is evaluated in a process of its own, which ends when its time is over. Nothing is fetched.

What is seen at once to be right (:mod:`headrace._internal.plain_schemas`) waits for nothing.

Draft 7 is the dialect, as at the Flows service.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from headrace._internal.plain_schemas import fits, is_plain
from headrace._internal.schema_cost import is_cheap, is_small
from headrace._internal.schema_evaluation import (
    MAX_PROBLEMS,
    SchemaProblem,
    known_schema_problems,
    value_problems_in_process,
)
from headrace._internal.schema_worker import SchemaTimeout, SchemaWorker

__all__ = ["MAX_PROBLEMS", "SchemaProblem", "schema_problems", "value_problems"]


def schema_problems(schema: Any) -> list[SchemaProblem]:
    """Return what is wrong with a schema; nothing where values can be checked against it.

    Args:
        schema: JSON that is checked already: Unicode, finite, not too deep.
    """
    if is_plain(schema):
        return []
    if is_small(schema):
        return [*known_schema_problems(schema)]
    try:
        return [*_found(_worker().ask("schema", schema))]
    except SchemaTimeout as error:
        return [SchemaProblem((), f"the schema cannot be checked: {error}; make it smaller", "$")]


def value_problems(schema: Any, value: Any) -> list[SchemaProblem]:
    """Return where a value does not fit a schema.

    Args:
        schema: a schema; what is wrong with it is the answer where something is.
        value: JSON that is checked already.
    """
    if is_cheap(schema, value):
        if is_plain(schema) and fits(schema, value):
            return []
        return value_problems_in_process(schema, value)
    try:
        return [*_found(_worker().ask("value", schema, value))]
    except SchemaTimeout as error:
        message = f"it cannot be checked against the schema: {error}; simplify its patterns"
        return [SchemaProblem((), message, "$")]


@lru_cache(maxsize=1)
def _worker() -> SchemaWorker:
    return SchemaWorker()


def _found(answer: list[Any]) -> Iterator[SchemaProblem]:
    for path, message, json_path, rule in answer:
        yield SchemaProblem(tuple(path), message, json_path, rule)
