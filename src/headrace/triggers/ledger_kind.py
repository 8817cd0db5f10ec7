"""The ledger of arrivals, as `headrace.ledger_file` has to know it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from headrace.ledger_file import LedgerErrors, LedgerKind
from headrace.ledger_file.access import open_connection
from headrace.triggers import ledger_schema
from headrace.triggers.errors import LedgerBusy, LedgerUnusable, TriggerError


def _forget_directories(database: sqlite3.Connection) -> None:
    """Have what lies in the watched directories asked for again."""
    database.execute("DELETE FROM roots")


LEDGER_OF_ARRIVALS: Final = LedgerKind(
    name="ledger of arrivals",
    table="arrivals",
    row="arrival",
    user="watch",
    busy="another watcher works with this ledger; stop it, or leave the work to it",
    way_out=(
        "put a copy of it back, or go on with `headrace watch --existing skip` (nothing that lies "
        "in the watched directories now is run) or `--existing run` (all of it is)"
    ),
    version=ledger_schema.VERSION,
    create=ledger_schema.create_tables,
    upgrade=ledger_schema.upgrade_tables,
    renew=_forget_directories,
    errors=LedgerErrors(error=TriggerError, busy=LedgerBusy, unusable=LedgerUnusable),
)


@contextmanager
def ledger_connection(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger beside its watcher, without its lock.

    Raises:
        LedgerUnusable: it is empty or damaged.
        TriggerError: it cannot be read or written.
    """
    with open_connection(path, LEDGER_OF_ARRIVALS) as database:
        yield database
