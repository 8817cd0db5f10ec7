"""Errors of the triggers.

::

    TriggerError
    ├── ArrivalChanged
    ├── LedgerBusy
    ├── LedgerUnusable
    ├── StartRefused
    ├── TriggerProblems
    └── TriggerWatched
"""

from __future__ import annotations

from collections.abc import Sequence

from headrace.errors import HeadraceError


class TriggerError(HeadraceError):
    """A trigger file, a watched directory or the ledger cannot be used as it is."""


class ArrivalChanged(TriggerError):
    """An arrival has changed after it was found complete and before its run was asked for."""


class LedgerBusy(TriggerError):
    """Another watcher already works with this ledger."""


class LedgerUnusable(TriggerError):
    """The ledger was deleted, replaced, emptied or damaged: nothing may be started without it."""


class StartRefused(TriggerError):
    """A run was refused for good: trying again changes nothing before its cause is mended."""


class TriggerProblems(TriggerError):
    """Several things are wrong with triggers; one line each.

    Args:
        problems: what is wrong, where, and the way out.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class TriggerWatched(TriggerError):
    """Another process watches a trigger already."""
