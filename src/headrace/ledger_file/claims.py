"""Claims: which process works at which part of a ledger, so that several share its work.

Each part, such as a trigger, is a locked file: a process that was killed holds none.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from headrace._internal.atomic import PRIVATE
from headrace._internal.closing import ClosedOnExit
from headrace.errors import HeadraceError
from headrace.ledger_file.lock import held_locks, inode


@dataclass(frozen=True)
class Holder:
    """A process that holds claims.

    Attributes:
        pid: its process number.
        host: its machine.
        since: when it began, ISO 8601.
        names: what it holds.
    """

    pid: int
    host: str
    since: str
    names: tuple[str, ...]


class Claims(ClosedOnExit):
    """The parts of a ledger that this process has to itself, until it lets go of them or ends.

    Args:
        directory: the directory of the claims; made if needed.
        error: raised where a claim cannot be written.
    """

    def __init__(self, directory: Path, error: type[HeadraceError]) -> None:
        self.directory = directory
        self._error = error
        self._held: dict[str, int] = {}
        since = datetime.now(UTC).isoformat(timespec="seconds")
        words = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        self._identity = json.dumps(words).encode()

    def is_held(self, name: str) -> bool:
        """Tell whether this process holds a claim."""
        return name in self._held

    @property
    def held(self) -> frozenset[str]:
        """Names of the claims that this process holds."""
        return frozenset(self._held)

    def try_all(self, names: Iterable[str]) -> str:
        """Take claims, all of them or none.

        Returns:
            the first that another process holds; "" where all were taken.

        Raises:
            HeadraceError: a claim cannot be written.
        """
        wanted = [name for name in names if name not in self._held]
        for name in wanted:
            if not self.try_one(name):
                for other in wanted:
                    self.release(other)
                return name
        return ""

    def try_one(self, name: str) -> bool:
        """Take a claim, and tell whether this process holds it now.

        Raises:
            HeadraceError: it cannot be written.
        """
        if name in self._held:
            return True
        file = self.directory / name
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        except OSError as error:
            raise self._error(f"{file}: cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, self._identity, 0)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError as error:
            os.close(descriptor)
            raise self._error(
                f"{file}: cannot be locked here ({error.strerror}); keep the project on a local "
                "disk"
            ) from error
        self._held[name] = descriptor
        return True

    def release(self, name: str) -> None:
        """Let others take a claim."""
        descriptor = self._held.pop(name, None)
        if descriptor is not None:
            # Not by closing alone: a process that was forked meanwhile may have it open, too.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def close(self) -> None:
        """Let go of all."""
        for name in [*self._held]:
            self.release(name)

    def find_holder(self, name: str) -> Holder | None:
        """Return the process that holds a claim; None where none does, or it cannot be told."""
        found = (holder for holder in holders(self.directory) if name in holder.names)
        return next(found, None)


def holders(directory: Path) -> list[Holder]:
    """Return the processes that hold claims at this moment, the earliest first.

    Args:
        directory: the directory of the claims; names that begin with a dot are left out.
    """
    found: dict[bytes, list[str]] = {}
    for name in sorted(held_claims(directory)):
        try:
            found.setdefault((directory / name).read_bytes(), []).append(name)
        except OSError:
            continue
    read = [_holder(text, names) for text, names in found.items()]
    return sorted(filter(None, read), key=lambda holder: holder.since)


def held_claims(directory: Path) -> set[str]:
    """Return the names of the claims that processes hold at this moment, without those with a dot.

    Args:
        directory: the directory of the claims.
    """
    held = held_locks()
    files = (file for file in directory.glob("*") if not file.name.startswith("."))
    return {file.name for file in files if inode(file) in held}


def _holder(text: bytes, names: list[str]) -> Holder | None:
    try:
        words = json.loads(text)
        return Holder(int(words["pid"]), str(words["host"]), str(words["since"]), tuple(names))
    except (ValueError, KeyError, TypeError):
        return None
