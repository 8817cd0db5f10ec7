"""Existing entries of a directory that was never watched: whether to run them is undecided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from headrace.triggers.entries import list_entries
from headrace.triggers.ledger import Ledger
from headrace.triggers.trigger import Trigger
from headrace.triggers.watched_directory import WatchedDirectory


@dataclass(frozen=True)
class ExistingEntries:
    """Number of entries in a directory that the ledger does not know.

    Attributes:
        trigger: the trigger that is about to watch it.
        count: how many things there may be arrivals, and are in no record.
    """

    trigger: Trigger
    count: int

    def __str__(self) -> str:
        """Return it in one line for people."""
        kind = {"directory": ("directory", "directories"), "file": ("file", "files")}
        kind["set"] = ("set of files", "sets of files")
        one, several = kind[self.trigger.what]
        lie = f"1 {one} lies" if self.count == 1 else f"{self.count:,} {several} lie"
        return f"{self.trigger.name}: {lie} in {self.trigger.directory}, which was never watched"


def find_existing_entries(triggers: Iterable[Trigger], ledger: Ledger) -> list[ExistingEntries]:
    """Find the triggers for which it is to be said what becomes of what lies there already.

    Args:
        triggers: triggers that do not say it themselves.
        ledger: the ledger.

    Returns:
        one for each whose directory was never watched and is not empty. A directory that is not
        there now is none: what it holds when it comes has arrived.

    Raises:
        TriggerError: the ledger cannot be read.
    """
    found = []
    for trigger in triggers:
        if not trigger.watches_directory:
            continue  # it has no directory
        try:
            with WatchedDirectory(trigger) as directory:
                filesystem = directory.probe_filesystem()
                where = (trigger.name, trigger.collection)
                if any(
                    ledger.has_root(*where, trigger.path, root)
                    for root in (filesystem.root, filesystem.earlier_root)
                ):
                    continue
                count = sum(
                    not ledger.contains(*where, filesystem.root, path, identity)
                    for path, identity in list_entries(trigger, filesystem, directory)
                )
        except OSError:
            continue
        if count:
            found.append(ExistingEntries(trigger, count))
    return found
