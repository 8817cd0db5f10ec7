"""The lock of a ledger, which its one watcher holds."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from headrace._internal.atomic import PRIVATE
from headrace.triggers.errors import LedgerBusy, TriggerError

_LOCKS = Path("/proc/locks")


def lock_ledger(path: Path) -> int:
    """Lock a ledger.

    Returns:
        the descriptor that holds the lock until it is closed.

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
