"""Claims: which process watches which trigger, so that two watches of a project share its work."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from headrace._internal.atomic import PRIVATE
from headrace._internal.closing import ClosedOnExit
from headrace.triggers.errors import TriggerError, TriggerWatched
from headrace.triggers.ledger_lock import held_locks, inode

# No trigger's name begins with a dot.
_NOTIFIER: Final = ".notifier"


@dataclass(frozen=True)
class Holder:
    """The process that watches some triggers.

    Attributes:
        pid: its process number.
        host: its machine.
        since: when it began, ISO 8601.
        triggers: what it watches.
    """

    pid: int
    host: str
    since: str
    triggers: tuple[str, ...]

    def __str__(self) -> str:
        """Return it in words."""
        names = ", ".join(self.triggers)
        return f"process {self.pid} on {self.host}, which watches {names} since {self.since}"


class TriggerClaims(ClosedOnExit):
    """The triggers that this process has to itself, until it lets go of them or ends.

    Each is a locked file: a process that was killed holds none.

    Args:
        ledger: the ledger's file; the claims lie beside it.
    """

    def __init__(self, ledger: Path) -> None:
        self._directory = claims_directory(ledger)
        self._held: dict[str, int] = {}
        since = datetime.now(UTC).isoformat(timespec="seconds")
        words = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        self._identity = json.dumps(words).encode()

    @property
    def names(self) -> frozenset[str]:
        """Names of the triggers that are held."""
        return frozenset(self._held) - {_NOTIFIER}

    def take(self, names: Iterable[str]) -> None:
        """Take triggers, all of them or none.

        Raises:
            TriggerWatched: another process watches one of them.
            TriggerError: a claim cannot be written.
        """
        wanted = [name for name in names if name not in self._held]
        for name in wanted:
            if not self._take(name):
                for other in wanted:
                    self.release(other)
                raise TriggerWatched(
                    f"trigger {name} is watched already, by {self._who(name)}; end that watch, or "
                    "name other triggers"
                )

    def take_free(self, names: Iterable[str]) -> list[str]:
        """Take those of some triggers that nobody watches, and return them.

        Raises:
            TriggerError: a claim cannot be written.
        """
        return [name for name in names if name not in self._held and self._take(name)]

    def take_notifier(self) -> bool:
        """Become the one of the project's watches that notifies of ends of runs, if none is.

        Returns:
            whether this is the one.
        """
        return _NOTIFIER in self._held or self._take(_NOTIFIER)

    def release(self, name: str) -> None:
        """Let others watch a trigger."""
        descriptor = self._held.pop(name, None)
        if descriptor is not None:
            # Not by closing alone: a process that was forked meanwhile may have it open, too.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def close(self) -> None:
        """Let go of all."""
        for name in [*self._held]:
            self.release(name)

    def _take(self, name: str) -> bool:
        file = self._directory / name
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        except OSError as error:
            raise TriggerError(f"{file}: cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, self._identity, 0)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError as error:
            os.close(descriptor)
            raise TriggerError(
                f"{file}: cannot be locked here ({error.strerror}); keep the project on a local "
                "disk"
            ) from error
        self._held[name] = descriptor
        return True

    def _who(self, name: str) -> str:
        for holder in read_holders(self._directory):
            if name in holder.triggers:
                return str(holder)
        return "another process"


def claims_directory(ledger: Path) -> Path:
    """Return the directory of the claims beside a ledger."""
    return ledger.with_name(f"{ledger.name}.watches")


def read_holders(directory: Path) -> list[Holder]:
    """Return the processes that watch triggers at this moment, the earliest first.

    Args:
        directory: the directory of the claims.
    """
    held = held_locks()
    found: dict[bytes, list[str]] = {}
    for file in sorted(directory.glob("*")):
        if not file.name.startswith(".") and inode(file) in held:
            try:
                found.setdefault(file.read_bytes(), []).append(file.name)
            except OSError:
                continue
    holders = [_holder(text, names) for text, names in found.items()]
    return sorted(filter(None, holders), key=lambda holder: holder.since)


def is_watched(ledger: Path, trigger: str | None = None) -> bool:
    """Return whether a watcher works with a ledger, or watches one trigger, at this moment.

    Args:
        ledger: the ledger's file.
        trigger: name of the trigger; any by default.
    """
    held = held_locks()
    kind = held.get(inode(ledger.with_name(f"{ledger.name}.lock")))
    if trigger is None or kind == "WRITE":
        return kind is not None
    return inode(claims_directory(ledger) / trigger) in held


def _holder(text: bytes, names: list[str]) -> Holder | None:
    try:
        words = json.loads(text)
        return Holder(int(words["pid"]), str(words["host"]), str(words["since"]), tuple(names))
    except (ValueError, KeyError, TypeError):
        return None
