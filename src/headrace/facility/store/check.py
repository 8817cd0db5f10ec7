"""Check of a store, and export of all that can be read; the store stays as it is."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from headrace.facility.errors import FacilityError
from headrace.facility.store.database import Store
from headrace.facility.store.export import export_store
from headrace.facility.store.faults import migration_problem
from headrace.facility.store.flows import flow_problems
from headrace.facility.store.migrations import MIGRATIONS
from headrace.facility.store.opening import check_sqlite, store_uri, wal_path
from headrace.facility.store.parked_runs import reason_of
from headrace.facility.store.row_keys import run_keys
from headrace.facility.store.runs import RunTable

# So many problems of one kind are listed one by one.
_MAX_LISTED: Final = 50


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
        FacilityError: the store is not there, the copy cannot be made, or this Python's SQLite
            lacks what a store needs.
    """
    if not path.exists():
        raise FacilityError(f"{path}: no store is there")
    if export is not None and export.exists():
        raise FacilityError(f"{export}: is there already; name a new file")
    check_sqlite()
    report = StoreReport(path, size=path.stat().st_size)
    wal = wal_path(path)
    report.size += wal.stat().st_size if wal.exists() else 0
    try:
        # SQLite may write to what it opens, if only to bring a log in: it gets a copy.
        with tempfile.TemporaryDirectory(dir=(export or path).parent, prefix=".check-") as work:
            copy = _copy_store(path, Path(work))
            _check_copy(copy, report)
            if export is not None:
                known = 0 < report.version <= len(MIGRATIONS)
                version = report.version if known else len(MIGRATIONS)
                report.rows = export_store(copy, export, version)
                report.exported = export
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
    except Exception as error:  # noqa: BLE001 - whatever it is, it is reported
        text = migration_problem(error)
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
