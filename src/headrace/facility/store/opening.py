"""Checks before a store is opened: is it complete, and is its log its own?

A store that was not closed has its last commits in a write-ahead log beside it. SQLite takes any
log that lies there, even another file's, and takes a missing one for an empty one. So the files of
an open store are noted, and compared after an end that was no clean one.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from headrace._internal.atomic import PRIVATE, write_atomic
from headrace._internal.mounts import file_system, has_stable_inodes, is_remote
from headrace.facility.errors import FacilityError
from headrace.facility.store.faults import StoreFault, damaged_text, fault_of

_MAGIC: Final = b"SQLite format 3\x00"
# What a store needs that SQLite may have been built without; older ones have not all of it.
_FEATURES: Final = (
    "CREATE VIRTUAL TABLE labels USING"
    " fts5(label, content='', tokenize='trigram', detail='none', columnsize=0)"
)
RESTORE: Final = "restore it from a copy, or move it away to start with an empty one"

FileId = tuple[int, int]


@dataclass(frozen=True)
class Placement:
    """Location of a store, and the properties of its file system.

    Attributes:
        file_system: type of the file system, such as ``ext4``; empty where it is not known.
        journal_mode: SQLite's journal mode: a write-ahead log needs memory that all processes
            share, which a network file system does not give.
        lasting_inodes: whether inode numbers distinguish files.
    """

    file_system: str
    journal_mode: str
    stable_inodes: bool


def find_placement(directory: Path) -> Placement:
    """Look where a store lies."""
    kind = file_system(directory)
    mode = "TRUNCATE" if is_remote(kind) else "WAL"
    return Placement(kind, mode, has_stable_inodes(kind))


def wal_path(path: Path) -> Path:
    """Return the write-ahead log of a store."""
    return path.with_name(f"{path.name}-wal")


def file_id(path: Path) -> FileId | None:
    """Return what distinguishes a file from others; None where it is not there.

    Raises:
        OSError: its directory cannot be looked at.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


@dataclass(frozen=True)
class OpenNote:
    """The files of a store that is open, noted beside it.

    Attributes:
        inode: of the store.
        wal_inode: of its log; 0 where it has none.
    """

    inode: int
    wal_inode: int


def note_path(path: Path) -> Path:
    """Return the file that is there while the store is open."""
    return path.with_name(f"{path.name}-open")


def note_open(path: Path) -> None:
    """Note that a store is open."""
    store, wal = file_id(path), file_id(wal_path(path))
    note = OpenNote(store[1] if store else 0, wal[1] if wal else 0)
    write_atomic(note_path(path), json.dumps(asdict(note)), PRIVATE)


def note_damaged(path: Path) -> None:
    """Note that a store is closed for a damage, so that the next opening looks at every page.

    Of its files nothing is noted: whether the log goes when it is closed depends on the damage.
    """
    write_atomic(note_path(path), json.dumps(asdict(OpenNote(0, 0))), PRIVATE)


def note_closed(path: Path) -> None:
    """Note that a store is about to be closed."""
    note_path(path).unlink(missing_ok=True)


def check_sqlite() -> None:
    """Look whether the SQLite of this Python has what a store needs; nothing is opened for it.

    Raises:
        FacilityError: it lacks something; the message has the way out.
    """
    try:
        with closing(sqlite3.connect(":memory:")) as db:
            db.execute(_FEATURES)
    except sqlite3.Error as error:
        raise FacilityError(
            f"SQLite {sqlite3.sqlite_version} has no full-text search by three characters, which "
            f"the facility's store needs ({error}): {sys.executable} uses it; take a Python whose "
            "SQLite is 3.34 or later with FTS5"
        ) from error


def check_before_opening(path: Path, where: Placement) -> None:
    """Look at a store that was not closed, or that others may have changed; nothing is written.

    Raises:
        FacilityError: it is damaged, or its log is not its own; the message has the way out.
    """
    note = _read_note(path)
    size = path.stat().st_size if path.exists() else None
    if size is None:
        if note is None and not _has_content(wal_path(path)):
            return
        raise FacilityError(
            f"{path}: the store is gone, though it was not closed; put it back, or remove "
            f"{note_path(path)} and {wal_path(path).name} to begin with an empty one"
        )
    if size == 0:
        if note is None and not _has_content(wal_path(path)):
            return  # it was being made when its facility was killed
        raise FacilityError(f"{path}: the store is empty, what it held is gone; {RESTORE}")
    _check_magic(path)
    if note is not None and where.stable_inodes:
        _check_log(path, note)
    left_open = (
        note is not None or _has_content(wal_path(path)) or _has_content(_journal_path(path))
    )
    if left_open:
        check_pages(path)


def check_pages(path: Path) -> None:
    """Have SQLite look at every page of a store.

    Raises:
        FacilityError: one is damaged.
        sqlite3.Error: they cannot be read at present.
    """
    # Read-only: a last connection that may write would put the log into the store at its end.
    mode = "rw" if _has_content(_journal_path(path)) else "ro"
    try:
        with closing(sqlite3.connect(store_uri(path, mode), uri=True)) as db:
            found = [row[0] for row in db.execute("PRAGMA quick_check(1)")]
    except sqlite3.Error as error:
        if fault_of(error) is StoreFault.TRANSIENT:
            raise
        raise FacilityError(damaged_text(path, error)) from error
    if found != ["ok"]:
        raise FacilityError(damaged_text(path, " ".join(str(found[0]).split())))


def store_uri(path: Path, mode: str) -> str:
    """Return the URI under which SQLite opens a store in a mode such as ``ro``."""
    return f"{path.absolute().as_uri()}?mode={mode}"


def _check_magic(path: Path) -> None:
    with path.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise FacilityError(
                f"{path}: cannot be opened as the facility's store (file is not a database); "
                f"{RESTORE}"
            )


def _check_log(path: Path, note: OpenNote) -> None:
    wal = wal_path(path)
    wal_id = file_id(wal)
    same_store = path.stat().st_ino == note.inode
    same_wal = (wal_id[1] if wal_id else 0) == note.wal_inode
    if same_store and note.wal_inode and wal_id is None:
        raise FacilityError(
            f"{wal}: the log of the store is missing, and with it what was stored last; put it "
            f"back, or remove {note_path(path)} to go on with what {path.name} holds"
        )
    if same_store != same_wal and wal_id is not None and wal.stat().st_size > 0:
        raise FacilityError(
            f"{wal}: is not the log of {path.name}: one of them was replaced; put the right one "
            f"back, or move the log away and remove {note_path(path)} to go on without it"
        )


def _read_note(path: Path) -> OpenNote | None:
    try:
        return OpenNote(**json.loads(note_path(path).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return OpenNote(0, 0)


def _journal_path(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")


def _has_content(path: Path) -> bool:
    try:
        return os.stat(path).st_size > 0  # noqa: PTH116 - one call
    except FileNotFoundError:
        return False
