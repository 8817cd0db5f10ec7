"""Kinds of ledgers: what differs between one of arrivals and one of campaigns."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from headrace.errors import HeadraceError


@dataclass(frozen=True)
class LedgerErrors:
    """The errors that a kind of ledger raises.

    Attributes:
        error: it cannot be used now.
        busy: another process has it.
        unusable: it was deleted, replaced, emptied or damaged.
    """

    error: type[HeadraceError]
    busy: type[HeadraceError]
    unusable: type[HeadraceError]


@dataclass(frozen=True)
class LedgerKind:
    """A kind of ledger.

    Its tables are made and brought up to date in a transaction; one of them is ``identity``, with
    the ledger's name in its column ``ledger``. The rows of another one are counted: none is ever
    deleted, and each is known to the file beside the ledger before anything is started for it.

    Attributes:
        name: in messages, such as "ledger of arrivals".
        table: the table whose rows are counted; also their word in messages, in the plural.
        row: the word for one of them.
        user: the word for a program that works with it, such as "watch".
        busy: a message that another one has it, with the way out.
        way_out: what can be done about one that cannot be used. It begins with "put a copy of it
            back".
        version: of its tables.
        create: makes the tables of a new one, in a transaction.
        upgrade: brings the tables of an earlier version to this one, in a transaction.
        renew: forgets what only the ledger of before knew, in a transaction.
        errors: the errors that it raises.
    """

    name: str
    table: str
    row: str
    user: str
    busy: str
    way_out: str
    version: int
    create: Callable[[sqlite3.Connection], None]
    upgrade: Callable[[sqlite3.Connection, int], None]
    renew: Callable[[sqlite3.Connection], None]
    errors: LedgerErrors
