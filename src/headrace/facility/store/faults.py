"""Classification of SQLite errors: wait, stop, or look at one record."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from enum import Enum
from pathlib import Path
from typing import Final


class StoreFault(Enum):
    """The kinds of errors of the store."""

    TRANSIENT = "passing"
    """It cannot be read or written now: the disk is full, read-only or away, or somebody locks it.
    What must be stored waits."""
    DAMAGED = "damaged"
    """The file is no sound database any more: nothing may be written to it."""
    RECORD = "record"
    """Something is wrong with what was asked, or with one record."""


# Primary result codes of SQLite; https://sqlite.org/rescode.html names them all.
_TRANSIENT: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})


_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
# Errors of files that say that their disk cannot be written now.
DISK_ERRORS: Final = _FULL | {errno.EROFS, errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE}


class StoreUnavailable(sqlite3.OperationalError):
    """The store's file is not where it was: its disk is away, or somebody moved it."""

    sqlite_errorcode = sqlite3.SQLITE_CANTOPEN


def fault_of(error: BaseException) -> StoreFault:
    """Return what an error means for the store."""
    # Python raises errors of its own without a code, as for text that is not UTF-8.
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None:
        return StoreFault.RECORD
    primary = code & 0xFF
    if primary in _DAMAGED:
        return StoreFault.DAMAGED
    return StoreFault.TRANSIENT if primary in _TRANSIENT else StoreFault.RECORD


def is_transient(error: BaseException) -> bool:
    """Say whether work that could not be started may start later: for want of disk, threads ..."""
    if isinstance(error, sqlite3.Error):
        return fault_of(error) is not StoreFault.RECORD
    if isinstance(error, RuntimeError):
        return "can't start new thread" in str(error)
    return isinstance(error, OSError | MemoryError)


def disk_problem(directory: Path) -> str:
    """Say what keeps files from being written in a directory; empty where nothing does.

    SQLite says "disk I/O error" for many things; the system has a word for each.
    """
    try:
        # As much as SQLite's smallest write, flushed: a full disk may still take an empty file.
        with tempfile.TemporaryFile(dir=directory) as stream:
            stream.write(b"\0" * 8192)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return ""


def unavailable_text(path: Path, error: BaseException) -> str:
    """Say in one line why a store cannot be used at present."""
    cause = disk_problem(path.parent)
    more = f" ({cause})" if cause else ""
    return f"the store cannot be written, what must be stored waits: {path}: {error}{more}"


def disk_text(state: Path, error: OSError) -> str:
    """Say in one line that a file of the state cannot be written at present."""
    where = error.filename or state
    way_out = "free space" if error.errno in _FULL else "see to the disk"
    return f"nothing can be written now: {where}: {error.strerror}: {way_out}, then try again"


def migration_problem(error: Exception) -> str:
    """Say in one line why a store of an earlier version cannot be brought to a later one."""
    text = " ".join(str(error).split())
    if isinstance(error, sqlite3.Error):
        return text
    return f"one of its records is damaged ({type(error).__name__}: {text})"


def damaged_text(path: Path, error: object) -> str:
    """Say in one line that a store is damaged, and the way out."""
    return (
        f"the store {path} is damaged ({error}); see what with `headrace facility check`, and make "
        "a new store of what can be read with `headrace facility check --export FILE`"
    )
