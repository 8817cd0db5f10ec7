"""Tables of keys for people: one row a key, as text and as Markdown."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from headrace._internal.settings.kinds import Kind
from headrace._internal.settings.tables import Declared, FreeTable, Named, Table, TableList


@dataclass(frozen=True)
class Row:
    """One key of a file.

    Attributes:
        table: the table as its header is written, such as ``[bands]``; "" at the top.
        key: the key.
        value: what it may hold, in words.
        default: its default as TOML, or in words; "" where there is none.
        required: whether the table must have it.
        description: one line, with the unit.
        example: a value as TOML.
    """

    table: str
    key: str
    value: str
    default: str
    required: bool
    description: str
    example: str = ""


def rows_of(table: Table[Any], name: str = "", brackets: str = "[]") -> Iterator[Row]:
    """Yield a row for each key of a table, those of the tables within it after its own.

    Args:
        table: the table.
        name: its full key; "" for the top.
        brackets: what stands about the key in a header.
    """
    header = f"{brackets[: len(brackets) // 2]}{name}{brackets[len(brackets) // 2 :]}"
    inner = []
    for declared in table.keys.values():
        below = _table_within(declared.kind)
        if below is not None:
            inner.append((declared, *below))
        else:
            yield _row(header if name else "", declared)
    for declared, within, placeholder, marks in inner:
        full = ".".join(filter(None, (name, declared.name, placeholder)))
        yield from rows_of(within, full, marks)


def _table_within(kind: Kind) -> tuple[Table[Any], str, str] | None:
    if isinstance(kind, Table):
        return kind, "", "[]"
    if isinstance(kind, Named):
        return kind.table, kind.placeholder, "[]"
    if isinstance(kind, TableList):
        return kind.table, "", "[[]]"
    return None


def _row(table: str, declared: Declared) -> Row:
    expected = declared.kind.expected
    value = "a table of your own" if isinstance(declared.kind, FreeTable) else expected
    return Row(
        table=table,
        key=declared.name,
        value=value,
        default=""
        if declared.is_required
        else declared.key.default or toml_value(declared.default),
        required=declared.is_required,
        description=declared.sentence,
        example=declared.key.example,
    )


def toml_value(value: Any) -> str:
    """Return a default as TOML; "" for None and what is empty."""
    if value is None or (not isinstance(value, bool | int | float) and not value):
        return ""
    if isinstance(value, Mapping):
        pairs = (f"{name} = {toml_value(one)}" for name, one in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return json.dumps(value, ensure_ascii=False)


def markdown_tables(rows: Iterable[Row]) -> str:
    """Return rows as Markdown: a table for each table of the file."""
    parts = []
    for name, group in groupby(rows, lambda row: row.table):
        title = f"`{name}`" if name else "At the top of the file"
        lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
        for row in group:
            default = "must be given" if row.required else _code(row.default)
            meaning = (
                f"{row.description} Example: `{row.example}`." if row.example else (row.description)
            )
            cells = (f"`{row.key}`", row.value, default, meaning)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append(f"{title}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _code(default: str) -> str:
    try:
        tomllib.loads(f"key = {default}")
    except tomllib.TOMLDecodeError:
        return default  # words
    return f"`{default}`"
