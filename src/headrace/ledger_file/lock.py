"""Locks of a ledger: who works with it, and who opens it at this moment.

Several programs share a ledger, each with a part of its own (`headrace.ledger_file.claims`); who
wants it to himself locks it alone, and keeps all others out.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from headrace._internal.atomic import PRIVATE
from headrace.ledger_file.kind import LedgerKind

_LOCKS: Final = Path("/proc/locks")
# To open a large ledger takes seconds, in which it is examined.
_GATE_SECONDS: Final = 60.0
_GATE_POLL: Final = 0.01


class LedgerLock:
    """The lock of a ledger, held from `take` until it is closed.

    Args:
        path: the ledger's file; its directory is made if needed.
        kind: the kind of ledger; its errors are raised.

    Raises:
        HeadraceError: its files cannot be made.
    """

    def __init__(self, path: Path, kind: LedgerKind) -> None:
        self._path = path
        self._kind = kind
        self._gate = open_lock(path, "opening", kind)
        try:
            self._lock = open_lock(path, "lock", kind)
        except BaseException:
            os.close(self._gate)
            raise

    def take(self, *, shared: bool) -> None:
        """Take it, within its gate.

        Args:
            shared: whether others may have it, too.

        Raises:
            HeadraceError: another program has it, and does not share it or is not to.
        """
        if not self._try(fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
            raise self._kind.errors.busy(f"{self._path}: {self._kind.busy}")

    def take_alone(self) -> bool:
        """Take it where nobody else has it, and tell whether; `take` shares it afterwards."""
        return self._try(fcntl.LOCK_EX)

    @contextmanager
    def gate(self) -> Iterator[None]:
        """Keep others from opening the ledger, and from writing the file beside it, meanwhile.

        Raises:
            HeadraceError: another process does so without end.
        """
        give_up = time.monotonic() + _GATE_SECONDS
        while not self._locked(self._gate, fcntl.LOCK_EX):
            if time.monotonic() >= give_up:
                raise self._kind.errors.error(
                    f"{self._path}: another process has been opening this ledger for "
                    f"{_GATE_SECONDS:.0f} s; is one stopped? See `ps`"
                )
            time.sleep(_GATE_POLL)
        try:
            yield
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let others have it."""
        os.close(self._lock)
        os.close(self._gate)

    def _try(self, how: int) -> bool:
        return self._locked(self._lock, how)

    def _locked(self, descriptor: int, how: int) -> bool:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise self._kind.errors.error(
                f"{self._path}: cannot be locked here ({error.strerror}); keep the project on a "
                "local disk"
            ) from error
        return True


def open_lock(path: Path, suffix: str, kind: LedgerKind) -> int:
    """Open a lock's file beside a ledger, and return its descriptor.

    Args:
        path: the ledger's file.
        suffix: of the lock's file.
        kind: the kind of ledger; its errors are raised.

    Raises:
        HeadraceError: it cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = path.with_name(f"{path.name}.{suffix}")
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        raise kind.errors.error(f"{path}: cannot open the ledger: {error.strerror}") from error


def held_locks() -> dict[str, str]:
    """Return inode and kind (``READ``, ``WRITE``) of the locks that processes hold here.

    They are only read: to try a lock would keep out who begins at this moment.
    """
    try:
        lines = _LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines if " FLOCK " in line)
    held = (each for each in fields if len(each) > 5 and each[1] != "->")
    return {each[5].rpartition(":")[2]: each[3] for each in held}


def inode(file: Path) -> str:
    """Return the inode number of a file, as `held_locks` has it; "" where there is none."""
    try:
        return str(file.stat().st_ino)
    except OSError:
        return ""
