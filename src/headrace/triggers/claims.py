"""Claims: which process watches which trigger, so that two watches of a project share its work."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from headrace.ledger_file.claims import Claims
from headrace.ledger_file.lock import held_locks, inode
from headrace.triggers.errors import TriggerError, TriggerWatched

# No trigger's name begins with a dot.
_NOTIFIER: Final = ".notifier"


class TriggerClaims(Claims):
    """The triggers that this process has to itself, until it lets go of them or ends.

    Args:
        ledger: the ledger's file; the claims lie beside it.
    """

    def __init__(self, ledger: Path) -> None:
        super().__init__(claims_directory(ledger), TriggerError)

    @property
    def names(self) -> frozenset[str]:
        """Names of the triggers that are held."""
        return self.held - {_NOTIFIER}

    def take(self, names: Iterable[str]) -> None:
        """Take triggers, all of them or none.

        Raises:
            TriggerWatched: another process watches one of them.
            TriggerError: a claim cannot be written.
        """
        watched = self.try_all(names)
        if watched:
            raise TriggerWatched(
                f"trigger {watched} is watched already, by {self._who(watched)}; end that watch, "
                "or name other triggers"
            )

    def take_free(self, names: Iterable[str]) -> list[str]:
        """Take those of some triggers that nobody watches, and return them.

        Raises:
            TriggerError: a claim cannot be written.
        """
        free = (name for name in names if not self.is_held(name))
        return [name for name in free if self.try_one(name)]

    def take_notifier(self) -> bool:
        """Become the one of the project's watches that notifies of ends of runs, if none is.

        Returns:
            whether this is the one.
        """
        return self.try_one(_NOTIFIER)

    def _who(self, name: str) -> str:
        holder = self.find_holder(name)
        if holder is None:
            return "another process"
        names = ", ".join(holder.names)
        return f"process {holder.pid} on {holder.host}, which watches {names} since {holder.since}"


def claims_directory(ledger: Path) -> Path:
    """Return the directory of the claims beside a ledger."""
    return ledger.with_name(f"{ledger.name}.watches")


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
