"""Export of a store, also a damaged one: a new store with all rows that can be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headrace._internal.atomic import PRIVATE, atomic_replacement
from headrace.facility.store.change_journal import restart_journal
from headrace.facility.store.migrations import MIGRATIONS
from headrace.facility.store.opening import store_uri
from headrace.facility.store.run_listing import LABEL_INDEX, rebuild_listing
from headrace.facility.store.salvage import Row, leaf_rows
from headrace.flowlang.runs import ACTIVE, INACTIVE, TERMINAL

_LAST_ROWID: Final = (1 << 63) - 1
_STATUSES: Final = TERMINAL | {ACTIVE, INACTIVE}


def _is_status(value: Any) -> bool:
    return value in _STATUSES


def _is_no_status(value: Any) -> bool:
    return value not in _STATUSES


# Tables whose columns have the same types are told apart by what some of their columns hold.
_CONTENTS: Final[Mapping[tuple[str, str], Callable[[Any], bool]]] = {
    ("runs", "status"): _is_status,
    ("runs", "listed"): lambda value: value in (0, 1),
    ("actions", "status"): _is_status,
    ("actions", "start_time"): _is_no_status,
    ("actions", "completion_time"): _is_no_status,
    ("snapshots", "position"): lambda value: value.startswith("{"),
    ("changes", "subjects"): lambda value: value.startswith("["),
    ("web_inputs", "status"): lambda value: value in ("open", "closed"),
    ("action_roots", "inode"): str.isdigit,
    ("functions", "metadata"): lambda value: value.startswith("{"),
}


@dataclass(frozen=True)
class _Table:
    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    nullable: tuple[bool, ...]
    key: int | None  # the column that is the rowid
    defaults: tuple[Any, ...]
    # How many columns a row has that is older than the last of them, and each row of now.
    widths: frozenset[int]

    def fits(self, row: Row) -> bool:
        """Say whether a row found without its tree may be one of this table."""
        if len(row.values) not in self.widths:
            return False
        return all(map(self._fits, range(len(row.values)), row.values))

    def _fits(self, place: int, value: Any) -> bool:
        if place == self.key:
            return value is None
        if value is None:
            return self.nullable[place]
        kinds = {"TEXT": (str,), "INTEGER": (int,), "REAL": (float, int), "BLOB": (bytes, str)}
        if not isinstance(value, kinds.get(self.types[place], (object,))):
            return False
        is_content = _CONTENTS.get((self.name, self.columns[place]))
        return is_content is None or is_content(value)

    def values(self, row: Row) -> tuple[Any, ...]:
        """Return the row's columns with its key, and the defaults of those that it has not."""
        complete = (*row.values, *self.defaults[len(row.values) :])
        return tuple(row.rowid if n == self.key else v for n, v in enumerate(complete))


def export_store(path: Path, export: Path, version: int) -> dict[str, int]:
    """Make a new store with all rows that can be read.

    Args:
        path: the store.
        export: file of the new one.
        version: of the schema of both.

    Returns:
        How many rows each table of the new store has.
    """
    with (
        atomic_replacement(export, PRIVATE) as temporary,
        closing(sqlite3.connect(temporary, isolation_level=None)) as target,
    ):
        target.row_factory = sqlite3.Row
        target.execute("BEGIN")
        earlier: dict[str, set[tuple[str, ...]]] = {}
        for migration in MIGRATIONS[:version]:
            migration(target)
            for name in _table_names(target):
                earlier.setdefault(name, set()).add(_column_names(target, name))
        target.execute("COMMIT")
        target.execute("PRAGMA foreign_keys = OFF")
        target.execute("BEGIN")
        tables = _tables(target, earlier)
        _copy_by_tree(path, target, tables)
        _copy_by_leaves(path, target, tables)
        rebuild_listing(target)
        restart_journal(target)
        target.execute(f"PRAGMA user_version = {version}")
        target.execute("COMMIT")
        return {
            table.name: target.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0]  # noqa: S608
            for table in tables
        }


def _table_names(db: sqlite3.Connection) -> dict[str, str]:
    """Return each table with the statement that makes it."""
    rows = db.execute(
        "SELECT name, sql FROM sqlite_master"
        " WHERE type = 'table' AND name NOT GLOB ? ORDER BY name",
        (f"{LABEL_INDEX}*",),
    )
    return {row["name"]: row["sql"] for row in rows.fetchall()}


def _column_names(db: sqlite3.Connection, table: str) -> tuple[str, ...]:
    return tuple(column["name"] for column in db.execute(f"PRAGMA table_info({table})"))


def _tables(db: sqlite3.Connection, earlier: Mapping[str, set[tuple[str, ...]]]) -> list[_Table]:
    found = []
    for name, sql in _table_names(db).items():
        columns = db.execute(f"PRAGMA table_info({name})").fetchall()
        names = tuple(c["name"] for c in columns)
        keys = [c["cid"] for c in columns if c["pk"]]
        alone = len(keys) == 1 and columns[keys[0]]["type"] == "INTEGER"
        key = keys[0] if alone and "WITHOUT ROWID" not in sql else None
        found.append(
            _Table(
                name,
                names,
                tuple(c["type"] for c in columns),
                tuple(not c["notnull"] and not c["pk"] for c in columns),
                key,
                tuple(
                    db.execute(f"SELECT {c['dflt_value'] or 'NULL'}").fetchone()[0] for c in columns
                ),
                # An added column does not write the rows anew that are there already.
                frozenset(len(cs) for cs in earlier[name] if cs == names[: len(cs)]),
            )
        )
    return found


def _copy_by_tree(path: Path, target: sqlite3.Connection, tables: Sequence[_Table]) -> None:
    try:
        with closing(sqlite3.connect(store_uri(path, "rw"), uri=True)) as source:
            source.text_factory = _text
            for table in tables:
                for row in _rows(source, table):
                    _insert(target, table, row)
    except sqlite3.Error:
        return  # no tree at all: the leaves are left


def _rows(source: sqlite3.Connection, table: _Table) -> Iterator[tuple[Any, ...]]:
    """Yield a table's rows, around those pages that cannot be read."""
    names = ", ".join(table.columns)
    last: int | None = None
    while True:
        begin = -_LAST_ROWID if last is None else last + 1
        query = f"SELECT rowid, {names} FROM {table.name} WHERE rowid >= ? ORDER BY rowid"  # noqa: S608
        try:
            for row in source.execute(query, (begin,)):
                last = row[0]
                yield row[1:]
            return
        except sqlite3.OperationalError:
            # A table without row numbers.
            yield from _plain_rows(source, table)
            return
        except sqlite3.DatabaseError:
            # A cursor reads one row ahead, and fails with the row before an unreadable one.
            row = _one_row(source, query, begin)
            if row is None:
                following = _next_readable(source, table, 1 if last is None else last + 1)
                if following is None:
                    return
                last = following - 1
                continue
            last = row[0]
            yield row[1:]


def _one_row(source: sqlite3.Connection, query: str, begin: int) -> tuple[Any, ...] | None:
    try:
        row: tuple[Any, ...] | None = source.execute(f"{query} LIMIT 1", (begin,)).fetchone()
    except sqlite3.Error:
        return None
    return row


def _plain_rows(source: sqlite3.Connection, table: _Table) -> Iterator[tuple[Any, ...]]:
    try:
        yield from source.execute(f"SELECT {', '.join(table.columns)} FROM {table.name}")  # noqa: S608
    except sqlite3.Error:
        return


def _next_readable(source: sqlite3.Connection, table: _Table, begin: int) -> int | None:
    """Return the first row number from which on a table can be read again."""
    step = 1
    while begin + step <= _LAST_ROWID and not _readable(source, table, begin + step):
        step *= 2
    if begin + step > _LAST_ROWID:
        return None
    low, high = begin + step // 2, begin + step
    while high - low > 1:
        middle = (low + high) // 2
        if _readable(source, table, middle):
            high = middle
        else:
            low = middle
    return high


def _readable(source: sqlite3.Connection, table: _Table, rowid: int) -> bool:
    try:
        source.execute(
            f"SELECT * FROM {table.name} WHERE rowid >= ? ORDER BY rowid LIMIT 1",  # noqa: S608
            (rowid,),
        ).fetchall()
    except sqlite3.Error:
        return False
    return True


def _copy_by_leaves(path: Path, target: sqlite3.Connection, tables: Sequence[_Table]) -> None:
    for row in leaf_rows(path):
        fitting = [table for table in tables if table.fits(row)]
        if len(fitting) == 1:
            _insert(target, fitting[0], fitting[0].values(row))


def _insert(target: sqlite3.Connection, table: _Table, row: Sequence[Any]) -> None:
    marks = ",".join("?" * len(table.columns))
    try:
        target.execute(f"INSERT OR IGNORE INTO {table.name} VALUES ({marks})", tuple(row))  # noqa: S608
    except sqlite3.Error:
        return  # a row that breaks its table's rules is none


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
