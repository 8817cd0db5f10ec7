"""Rows of a table, with their places."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from headrace._internal.json_check import InvalidValue, check_json


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A row of a table, as it was read.

    Attributes:
        place: where it stands, such as ``line 17``.
        values: JSON values by column; None: the column is empty in this row.
        problem: why it cannot be used, in one line without the place; "" where it can.
    """

    place: str
    values: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class RowTable:
    """A table that can be read once.

    Attributes:
        name: what messages call it, usually the file's path.
        columns: names of its columns, in their order.
        rows: yields the rows.
    """

    name: str
    columns: tuple[str, ...]
    rows: Iterable[MemberRow]


class UnusableValue(ValueError):
    """A value of a table that no run can get; the message says why."""


def plain_value(value: Any) -> Any:
    """Return a value as JSON has it.

    Dates and times become texts in ISO format, decimal numbers floats. A number that is none
    (NaN) is no value, as an empty cell.

    Args:
        value: as a reader of TOML, YAML or Parquet gives it.

    Raises:
        UnusableValue: JSON has no such value.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if math.isinf(value):
            raise UnusableValue("is infinite; only finite numbers can be sent")
        return value
    if isinstance(value, Decimal):
        return plain_value(float(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(one) for one in value]
    raise UnusableValue(f"is {type(value).__name__}, which JSON has no word for; write it as text")


def checked_row(place: str, values: Mapping[str, Any]) -> MemberRow:
    """Return a row, or the reason why it cannot be used.

    Args:
        place: where it stands.
        values: its values as a reader gives them, by column.
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        try:
            plain = plain_value(value)
            check_json(plain, f"column {name}")
        except UnusableValue as error:
            return MemberRow(place, found, f"column {name} {error}")
        except InvalidValue as error:
            return MemberRow(place, found, str(error))
        found[name] = plain if plain != "" else None
    return MemberRow(place, found)


def rows_of_records(
    records: Iterable[tuple[str, Any]], columns: tuple[str, ...]
) -> Iterator[MemberRow]:
    """Yield the rows of records, each with all columns.

    Args:
        records: places, and what stands there.
        columns: all columns that there are; those that a record lacks are empty.
    """
    for place, record in records:
        if not isinstance(record, Mapping):
            yield MemberRow(place, {}, "is no table of columns and values")
        else:
            named = {str(name): value for name, value in record.items()}
            yield checked_row(place, {**dict.fromkeys(columns), **named})


def columns_of_records(records: Iterable[Any]) -> tuple[str, ...]:
    """Return the columns that records have, in the order of their first use."""
    found: dict[str, None] = {}
    for record in records:
        if isinstance(record, Mapping):
            found.update(dict.fromkeys(map(str, record)))
    return tuple(found)
