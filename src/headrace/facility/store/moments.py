"""Several questions to a store that are answered as of one moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_moment(db: sqlite3.Connection) -> Iterator[None]:
    """Have all that is read inside be of one commit.

    Args:
        db: a connection for reading.
    """
    db.execute("BEGIN")
    try:
        yield
    finally:
        # What is wrong with the store may have ended the transaction.
        if db.in_transaction:
            db.execute("ROLLBACK")
