"""Errors of the triggers."""

from __future__ import annotations

from headrace.errors import HeadraceError


class TriggerError(HeadraceError):
    """A trigger file, a watched directory or the ledger cannot be used as it is."""


class LedgerBusy(TriggerError):
    """Another watcher already works with this ledger."""
