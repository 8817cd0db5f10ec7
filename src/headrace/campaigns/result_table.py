"""The table of a campaign with what became of each member: state, cause, costs, facts."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from headrace._internal.atomic import atomic_replacement, write_atomic
from headrace.campaigns.errors import CampaignError

OWN_COLUMNS: Final = (
    *("key", "state", "group", "category", "priority", "step", "leg", "lane"),
    *("attempts", "free_attempts", "core_hours", "cause", "cause_category"),
    *("run_id", "directory", "changed_at"),
)
"""Columns of every table; those of the campaign's own table and the facts follow."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

FORMATS: Final = (".csv", ".json", ".parquet")
_SELECT: Final = (
    "SELECT key, state, grp AS 'group', category, priority, step, leg, lane, attempts, "
    "free_attempts, core_hours, cause, cause_category, run_id, accepted_directory AS directory, "
    "changed_at, row, facts FROM members WHERE campaign = ? ORDER BY id"
)


def result_rows(
    database: sqlite3.Connection,
    campaign: int,
    ids: Iterable[int] | None = None,
    *,
    for_spreadsheet: bool = False,
) -> Iterator[dict[str, Any]]:
    """Yield a row for each member, in the order of the campaign's table.

    A column of the table, or a fact, that has the name of one of `OWN_COLUMNS` is called
    ``row.NAME`` or ``facts.NAME``; so is a fact that has the name of a column of the table.

    Args:
        database: the ledger.
        campaign: number of the campaign.
        ids: numbers of the members; all by default.
        for_spreadsheet: whether causes and facts, which programs elsewhere may have written, get
            an apostrophe before what a spreadsheet would take for a formula.
    """
    written = _harmless if for_spreadsheet else _as_it_is
    select, values = _SELECT, [campaign]
    if ids is not None:
        select = select.replace("ORDER", "AND id IN (SELECT value FROM json_each(?)) ORDER")
        values = [campaign, json.dumps([*ids])]  # type: ignore[list-item]
    for record in database.execute(select, values):
        found: dict[str, Any] = {name: record[name] for name in OWN_COLUMNS}
        found["cause"] = written(found["cause"])
        for prefix, kept in (("row", _as_it_is), ("facts", written)):
            for name, value in json.loads(record[prefix]).items():
                found[f"{prefix}.{name}" if name in found else name] = kept(value)
        yield found


def result_columns(database: sqlite3.Connection, campaign: int) -> list[str]:
    """Return the columns of the table of a campaign: those that any of its members has."""
    columns = dict.fromkeys(OWN_COLUMNS)
    for row in result_rows(database, campaign):
        if len(row) != len(columns) or row.keys() != columns.keys():
            columns |= dict.fromkeys(row)
    return [*columns]


def write_csv(stream: TextIO, columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as CSV; lists and objects as JSON, nothing for what is not there.

    Args:
        stream: where to.
        columns: the header.
        rows: the rows.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)


def write_table(
    database: sqlite3.Connection, campaign: int, path: Path, ids: Sequence[int] | None = None
) -> int:
    """Write the table of a campaign into a file, whole or not at all.

    Args:
        database: the ledger.
        campaign: number of the campaign.
        path: ends in ``.csv``, ``.json`` or ``.parquet``; its directory is there.
        ids: numbers of the members; all by default.

    Returns:
        The number of rows.

    Raises:
        CampaignError: another ending, a directory that is not there, or no ``pyarrow`` for Parquet.
    """
    if path.suffix.lower() not in FORMATS:
        raise CampaignError(f"{path}: the ending says the format: use {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise CampaignError(f"{path.parent}: no such directory: make it first")
    kind = path.suffix.lower()
    if kind == ".csv":
        columns, count = result_columns(database, campaign), 0
        with (
            atomic_replacement(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as stream,
        ):

            def counted() -> Iterator[dict[str, Any]]:
                nonlocal count
                for row in result_rows(database, campaign, ids, for_spreadsheet=True):
                    count += 1
                    yield row

            write_csv(stream, columns, counted())
        return count
    rows = [*result_rows(database, campaign, ids)]
    if kind == ".json":
        write_atomic(path, json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    else:
        _write_parquet(path, rows)
    return len(rows)


def csv_text(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    """Return rows as the text of a CSV file."""
    stream = io.StringIO()
    write_csv(stream, columns, rows)
    return stream.getvalue()


def _write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise CampaignError(
            f"{path}: Parquet needs pyarrow: `pip install 'headrace[tables]'`, or write .csv"
        ) from None
    names = [*dict.fromkeys(name for row in rows for name in row)]
    columns = {name: _arrow_values([row.get(name) for row in rows]) for name in names}
    with atomic_replacement(path) as temporary:
        pyarrow.parquet.write_table(pyarrow.table(columns), temporary)


def _arrow_values(values: Sequence[Any]) -> list[Any]:
    """Return values of one type: texts, where a column has several."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return (
            [None if value is None else float(value) for value in values]
            if float in kinds
            else [*values]
        )
    if len(kinds) <= 1 and not kinds & {list, dict}:
        return [*values]
    return [None if value is None else str(_cell(value)) for value in values]


def _harmless(value: Any) -> Any:
    """Return a text that begins like a formula with an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _as_it_is(value: Any) -> Any:
    return value


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return value
