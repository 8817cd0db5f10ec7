"""What is known of a ledger beside it, what its tables say of that, and who works with it."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path

from headrace._internal.atomic import PRIVATE, write_atomic
from headrace.triggers.errors import LedgerBusy, TriggerError

_LOCKS = Path("/proc/locks")


@dataclass(frozen=True)
class LedgerSummary:
    """Which ledger there was.

    Attributes:
        ledger: its own name, part of every tag.
        arrivals: the number of its newest arrival.
        deleted: arrivals whose deletion somebody has taken note of.
    """

    ledger: str
    arrivals: int
    deleted: int = 0


def read_summary(path: Path) -> LedgerSummary | None:
    """Return what is known of a ledger; None where nothing is."""
    try:
        known = json.loads(path.read_bytes())
        return LedgerSummary(
            str(known["ledger"]), int(known["arrivals"]), int(known.get("deleted", 0))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_summary(path: Path, known: LedgerSummary) -> None:
    """Write down what is known of a ledger.

    Raises:
        OSError: it cannot be written.
    """
    write_atomic(path, json.dumps(asdict(known)) + "\n", PRIVATE)


def newest_arrival(database: sqlite3.Connection) -> int:
    """Return the number of the newest arrival."""
    (number,) = database.execute("SELECT coalesce(max(id), 0) FROM arrivals").fetchone()
    return int(number)


def count_deleted(database: sqlite3.Connection) -> int:
    """Return how many arrivals are missing among those that there were: none is ever removed."""
    (number,) = database.execute("SELECT coalesce(max(id), 0) - count(*) FROM arrivals").fetchone()
    return int(number)


def deletion_problem(number: int) -> str:
    """Say that arrivals were deleted from a ledger; nothing where none were."""
    if number <= 0:
        return ""
    rows = "1 arrival was" if number == 1 else f"{number} arrivals were"
    return f"is not whole ({rows} deleted from it)"


def lock_ledger(path: Path) -> int:
    """Return the open lock of a ledger, which its one watcher holds.

    Raises:
        LedgerBusy: another watcher has it.
        TriggerError: it cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = path.with_name(f"{path.name}.lock")
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        raise TriggerError(f"{path}: cannot open the ledger: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise LedgerBusy(
            f"{path}: another watcher works with this ledger; stop it, or leave the work to it"
        ) from error
    except OSError as error:
        os.close(lock)
        raise TriggerError(
            f"{path}: cannot be locked here ({error.strerror}); keep the project on a local disk"
        ) from error
    return lock


def is_watched(path: Path) -> bool:
    """Return whether a watcher works with a ledger at this moment.

    Args:
        path: the ledger's file.
    """
    file = path.with_name(f"{path.name}.lock")
    try:
        inode = file.stat().st_ino
        # Only read: to try the lock would keep out a watcher that begins at this moment.
        locks = _LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return False
    held = (line.split() for line in locks if " FLOCK " in line)
    return any(fields[5].rpartition(":")[2] == str(inode) for fields in held if len(fields) > 5)
