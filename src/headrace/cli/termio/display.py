"""One way to show a result: text for people, JSON for programs, tab-separated lines for tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from headrace._internal.terminal_text import terminal_text
from headrace.cli.parsing.session import current
from headrace.cli.termio.tables import Field, columns_of, table
from headrace.cli.termio.terminal import write


def display(data: Any, text: str | Callable[[], str], columns: Sequence[str] = ()) -> None:
    """Write a result to standard output.

    Args:
        data: the result as JSON shows it.
        text: the result for people; called only when it is wanted.
        columns: members that make up a line in unix format; all of them by default.

    Raises:
        UsageError: the JMESPath expression is not one.
    """
    session = current()
    if session.jmespath is not None:
        data, columns = _select(session.jmespath, data), ()
    if session.format == "unix":
        shown = "\n".join(_unix_lines(data, columns))
    elif session.format == "json" or session.jmespath is not None:
        import json

        shown = json.dumps(data, indent=2, default=str)
    else:
        shown = text if isinstance(text, str) else text()
    if shown:
        write(shown)


def display_table(
    documents: Sequence[Mapping[str, Any]], fields: Sequence[Field], empty: str
) -> None:
    """Write documents to standard output, for people as a table.

    Args:
        documents: the rows as JSON shows them.
        fields: the columns, for text and unix format.
        empty: text for people where there are none.
    """
    display(documents, lambda: table(documents, fields, empty), columns_of(fields))


def is_text() -> bool:
    """Return whether the result is shown to a person."""
    session = current()
    return session.format == "text" and session.jmespath is None


def _select(expression: str, data: Any) -> Any:
    import json

    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(expression, json.loads(json.dumps(data, default=str)))
    except JMESPathError as error:
        message = " ".join(str(error).split())
        raise click.UsageError(f"--jmespath {expression!r}: {message}") from error


def _unix_lines(data: Any, columns: Sequence[str]) -> list[str]:
    if isinstance(data, list):
        return [line for item in data for line in _unix_lines(item, columns)]
    if isinstance(data, Mapping):
        values = [data.get(name) for name in columns] if columns else list(data.values())
        return ["\t".join(map(_cell, values))]
    return [_cell(data)]


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return terminal_text(value.replace("\t", " ").replace("\n", " "))
    if value is None:
        return ""
    import json

    return json.dumps(value, default=str)
