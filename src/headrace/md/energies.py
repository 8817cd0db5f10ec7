"""Energies of a leg, as a table with one row for each time."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace._internal.atomic import write_atomic
from headrace.md.errors import MdError

TIME: Final = "time_ps"
COLUMNS: Final = {
    "potential": "potential_kj_mol",
    "kinetic": "kinetic_kj_mol",
    "total": "total_kj_mol",
    "conserved": "conserved_kj_mol",
    "temperature": "temperature_k",
    "pressure": "pressure_bar",
}
"""Columns by what they hold; an engine has those that it knows."""


@dataclass(frozen=True)
class Energies:
    """A table of energies.

    Attributes:
        columns: values by the name of their column: `TIME`, in ps, and some of `COLUMNS`.
    """

    columns: Mapping[str, Sequence[float]]

    @property
    def times(self) -> Sequence[float]:
        """Times of the rows, in ps."""
        return self.columns.get(TIME, ())

    def mean(self, name: str) -> float | None:
        """Return the mean of a column over its finite values; None where there is none.

        Args:
            name: a key of `COLUMNS`.
        """
        values = [value for value in self.columns.get(COLUMNS[name], ()) if math.isfinite(value)]
        return sum(values) / len(values) if values else None

    def write(self, path: Path) -> None:
        """Write it as CSV, numbers with as many digits as they have."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(zip(*self.columns.values(), strict=True))
        write_atomic(path, text.getvalue())


def read_energies(path: Path) -> Energies:
    """Read a table that `Energies.write` has written.

    Raises:
        MdError: it cannot be read, or is no such table.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.reader(stream))
        names = rows[0] if rows else []
        if TIME not in names:
            raise ValueError(f"no column {TIME}")
        values = [[float(text) for text in row] for row in rows[1:]]
        if any(len(row) != len(names) for row in values):
            raise ValueError("a row is cut")
    except OSError as error:
        raise MdError(f"{path}: {error.strerror}") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise MdError(f"{path}: no table of energies: {error}") from None
    return Energies({name: [row[place] for row in values] for place, name in enumerate(names)})


def joined(tables: Sequence[Energies]) -> Energies:
    """Join tables that follow each other, by the columns that all of them have."""
    tables = [table for table in tables if table.times]
    if not tables:
        return Energies({TIME: []})
    names = [name for name in tables[0].columns if all(name in each.columns for each in tables)]
    return Energies(
        {name: [value for table in tables for value in table.columns[name]] for name in names}
    )
