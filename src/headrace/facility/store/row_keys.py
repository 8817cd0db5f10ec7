"""Keys of the rows that belong to runs: those of one run lie beside each other in their table.

A key is the row's number in SQLite, so that a table needs no index to find the rows of a run, and
what several runs write at the same time goes to few pages.
"""

from __future__ import annotations

from typing import Final

_SEQUENCE_BITS: Final = 32


def row_key(run: int, sequence: int) -> int:
    """Return the key of a run's row.

    Args:
        run: the run's number.
        sequence: the row's place among those of the run, of a table.
    """
    return run << _SEQUENCE_BITS | sequence


ROWS_OF_VALUE: Final = (
    f"BETWEEN (value << {_SEQUENCE_BITS}) + 1 AND ((value + 1) << {_SEQUENCE_BITS}) - 1"
)
"""Condition of SQL on keys: those of the run whose number is the column ``value``."""


def run_of_row(key: int) -> int:
    """Return the number of the run that a row with this key belongs to."""
    return key >> _SEQUENCE_BITS


def run_keys(run: int, after: int = 0) -> tuple[int, int]:
    """Return the keys between which the rows of a run are, for SQL's BETWEEN.

    Args:
        run: the run's number.
        after: only those after this sequence.
    """
    return row_key(run, after + 1), row_key(run + 1, 0) - 1
