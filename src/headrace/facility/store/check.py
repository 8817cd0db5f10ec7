"""Check of a store, and export of all that can be read; the store stays as it is."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from headrace._internal.atomic import PRIVATE, atomic_replacement
from headrace.facility.errors import FacilityError
from headrace.facility.store.database import Store
from headrace.facility.store.flows import flow_problems
from headrace.facility.store.migrations import MIGRATIONS
from headrace.facility.store.opening import store_uri, wal_path
from headrace.facility.store.parked_runs import reason_of
from headrace.facility.store.row_keys import run_keys
from headrace.facility.store.runs import RunTable
from headrace.facility.store.salvage import Row, leaf_rows

# So many problems of one kind are listed one by one.
_MAX_LISTED: Final = 50
_LAST_ROWID: Final = (1 << 63) - 1


@dataclass
class StoreReport:
    """Result of the check of a store.

    Attributes:
        path: the store.
        version: of its schema; 0 where that cannot be read.
        size: in bytes, with its log.
        runs: how many runs it lists.
        unreadable: run id and reason of each that cannot be read.
        problems: what is wrong otherwise, a line each.
        rows: how many rows of each table can be read.
        exported: the copy that was made.
    """

    path: Path
    version: int = 0
    size: int = 0
    runs: int = 0
    unreadable_runs: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    exported: Path | None = None

    @property
    def intact(self) -> bool:
        """True if nothing is wrong."""
        return not self.problems and not self.unreadable_runs

    def document(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "path": str(self.path),
            "sound": self.intact,
            "version": self.version,
            "size_bytes": self.size,
            "runs": self.runs,
            "problems": self.problems,
            "unreadable_runs": [{"run_id": i, "reason": r} for i, r in self.unreadable_runs],
            "rows": self.rows,
            "exported": str(self.exported) if self.exported else None,
        }


def check_store(path: Path, export: Path | None = None) -> StoreReport:
    """Look at every page, reference and run of a store; a facility may work on it meanwhile.

    Args:
        path: the store.
        export: file for a new store with all that can be read; it must not be there.

    Raises:
        FacilityError: the store is not there, or the copy cannot be made.
    """
    if not path.exists():
        raise FacilityError(f"{path}: no store is there")
    if export is not None and export.exists():
        raise FacilityError(f"{export}: is there already; name a new file")
    report = StoreReport(path, size=path.stat().st_size)
    wal = wal_path(path)
    report.size += wal.stat().st_size if wal.exists() else 0
    try:
        # SQLite may write to what it opens, if only to bring a log in: it gets a copy.
        with tempfile.TemporaryDirectory(dir=(export or path).parent, prefix=".check-") as work:
            copy = _copy_store(path, Path(work))
            _check_copy(copy, report)
            if export is not None:
                _export(copy, export, report)
    except OSError as error:
        where = error.filename or (export or path).parent
        raise FacilityError(f"{where}: a copy cannot be made: {error.strerror}") from error
    return report


def _copy_store(path: Path, work: Path) -> Path:
    copy = work / path.name
    try:
        # Page by page, as of one commit, whatever is in the pages.
        with (
            closing(sqlite3.connect(store_uri(path, "ro"), uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        return copy
    except sqlite3.Error:
        copy.unlink(missing_ok=True)
    # Not even that: the files as they are.
    if wal_path(path).exists():
        shutil.copyfile(wal_path(path), wal_path(copy))
    shutil.copyfile(path, copy)
    return copy


def _check_copy(path: Path, report: StoreReport) -> None:
    if path.stat().st_size == 0:
        report.problems.append("the file is empty")
        return
    try:
        with closing(sqlite3.connect(store_uri(path, "rw"), uri=True)) as db:
            db.row_factory = sqlite3.Row
            report.version = db.execute("PRAGMA user_version").fetchone()[0]
            if report.version > len(MIGRATIONS):
                report.problems.append(
                    f"it was written by a later headrace (store version {report.version}, this one "
                    f"knows {len(MIGRATIONS)}); upgrade headrace"
                )
            report.problems += _integrity(db)
            report.problems += _references(db)
            report.problems += _flows(db)
            _replay_as_latest(db, report)
    except sqlite3.Error as error:
        report.problems.append(f"it cannot be read: {error}")


def _integrity(db: sqlite3.Connection) -> list[str]:
    try:
        rows = db.execute(f"PRAGMA integrity_check({_MAX_LISTED})").fetchall()
    except sqlite3.Error as error:
        return [f"damaged: {error}"]
    lines = [" ".join(str(row[0]).split()) for row in rows]
    return [] if lines == ["ok"] else [f"damaged: {line}" for line in lines]


def _references(db: sqlite3.Connection) -> list[str]:
    try:
        rows = db.execute("PRAGMA foreign_key_check").fetchmany(_MAX_LISTED)
    except sqlite3.Error as error:
        return [f"references cannot be checked: {error}"]
    return [f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is missing" for row in rows]


def _flows(db: sqlite3.Connection) -> list[str]:
    try:
        return flow_problems(db)
    except sqlite3.Error:
        return []  # its damage is reported already


class _ReadOnlyStore:
    """Lets runs be read from a connection of ours."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def reader(self) -> sqlite3.Connection:
        """Return the connection."""
        return self._db


def _replay_as_latest(db: sqlite3.Connection, report: StoreReport) -> None:
    """Replay the runs of a store, in the schema of this release; the store stays as it is."""
    db.isolation_level = None
    db.execute("BEGIN")
    try:
        if report.version > 0:
            for migration in MIGRATIONS[report.version :]:
                migration(db)
    except (sqlite3.Error, ValueError, TypeError) as error:
        text = " ".join(str(error).split())
        report.problems.append(f"it cannot be brought to version {len(MIGRATIONS)}: {text}")
        report.runs = len(_numbers(db))
    else:
        _replay(db, report)
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _replay(db: sqlite3.Connection, report: StoreReport) -> None:
    """Replay the events of every run from the first one on, and parse its definition."""
    runs = RunTable(cast(Store, _ReadOnlyStore(db)))
    numbers = _numbers(db)
    report.runs = len(numbers)
    for number, run_id in numbers:
        try:
            run = runs.get_by_number(db, number)
            runs.flow(run.definition)
            for _ in runs.event_log.replay_each(db, number):
                pass
            json.loads(
                db.execute("SELECT metadata FROM runs WHERE number = ?", (number,)).fetchone()[0]
            )
            for action in db.execute(
                "SELECT body, details FROM actions WHERE number BETWEEN ? AND ?", run_keys(number)
            ):
                json.loads(action["body"]), json.loads(action["details"])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported
            report.unreadable_runs.append((run_id, reason_of(error)))


def _numbers(db: sqlite3.Connection) -> list[tuple[int, str]]:
    try:
        return [(r["number"], r["id"]) for r in db.execute("SELECT number, id FROM runs")]
    except sqlite3.Error:
        return []  # its damage is reported already


@dataclass(frozen=True)
class _Table:
    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    nullable: tuple[bool, ...]
    key: int | None  # the column that is the rowid

    def fits(self, row: Row) -> bool:
        """Say whether a row found without its tree may be one of this table."""
        if len(row.values) != len(self.columns):
            return False
        return all(map(self._fits, range(len(self.columns)), row.values))

    def _fits(self, place: int, value: Any) -> bool:
        if place == self.key:
            return value is None
        if value is None:
            return self.nullable[place]
        kinds = {"TEXT": (str,), "INTEGER": (int,), "REAL": (float, int), "BLOB": (bytes, str)}
        return isinstance(value, kinds.get(self.types[place], (object,)))

    def values(self, row: Row) -> tuple[Any, ...]:
        """Return the row's columns with its key."""
        return tuple(row.rowid if n == self.key else v for n, v in enumerate(row.values))


def _export(path: Path, export: Path, report: StoreReport) -> None:
    """Make a new store with all rows that can be read."""
    version = report.version if 0 < report.version <= len(MIGRATIONS) else len(MIGRATIONS)
    with (
        atomic_replacement(export, PRIVATE) as temporary,
        closing(sqlite3.connect(temporary, isolation_level=None)) as target,
    ):
        target.row_factory = sqlite3.Row
        target.execute("BEGIN")
        for migration in MIGRATIONS[:version]:
            migration(target)
        target.execute("COMMIT")
        target.execute("PRAGMA foreign_keys = OFF")
        target.execute("BEGIN")
        tables = _tables(target)
        _copy_by_tree(path, target, tables)
        _copy_by_leaves(path, target, tables)
        target.execute(f"PRAGMA user_version = {version}")
        target.execute("COMMIT")
        for table in tables:
            count = target.execute(f"SELECT count(*) FROM {table.name}").fetchone()  # noqa: S608
            report.rows[table.name] = count[0]
    report.exported = export


def _tables(db: sqlite3.Connection) -> list[_Table]:
    found = []
    names = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name")
    for name, sql in names.fetchall():
        columns = db.execute(f"PRAGMA table_info({name})").fetchall()
        keys = [c["cid"] for c in columns if c["pk"]]
        alone = len(keys) == 1 and columns[keys[0]]["type"] == "INTEGER"
        key = keys[0] if alone and "WITHOUT ROWID" not in sql else None
        found.append(
            _Table(
                name,
                tuple(c["name"] for c in columns),
                tuple(c["type"] for c in columns),
                tuple(not c["notnull"] and not c["pk"] for c in columns),
                key,
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
            following = _next_readable(source, table, 1 if last is None else last + 1)
            if following is None:
                return
            last = following - 1


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
