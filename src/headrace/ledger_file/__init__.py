"""Files of ledgers: SQLite files whose loss, exchange, damage or sharing is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.ledger_file.access import ChangeWatch, open_connection
    from headrace.ledger_file.claims import Claims, Holder, held_claims, holders
    from headrace.ledger_file.kind import LedgerErrors, LedgerKind
    from headrace.ledger_file.ledger_file import LedgerFile

__all__ = [
    "ChangeWatch",
    "Claims",
    "Holder",
    "LedgerErrors",
    "LedgerFile",
    "LedgerKind",
    "held_claims",
    "holders",
    "open_connection",
]

__getattr__ = lazy_names(__name__)
