"""Misfits as a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headrace.cli.termio.tables import Field, table


def misfits_text(results: Sequence[Path]) -> str:
    """Return a line for each station of each event.

    Args:
        results: result directories of the events.
    """
    rows: list[dict[str, Any]] = []
    for directory in results:
        with (directory / "misfit.csv").open(newline="") as stream:
            rows += list(csv.DictReader(stream))
    fields = [
        Field("Event", lambda row: row["event"]),
        Field("Station", lambda row: row["station"]),
        Field("Component", lambda row: row["component"]),
        Field("Windows", lambda row: row["windows"]),
        Field("Misfit", lambda row: f"{float(row['misfit'] or 0):.4g}"),
        Field("Shifts (s)", lambda row: row["shift_s"].replace(";", " ")),
        Field("Correlation", lambda row: " ".join(_short(row["cc"]))),
    ]
    return table(rows, fields, "no station was measured")


def _short(values: str) -> list[str]:
    return [f"{float(value):.3f}" for value in values.split(";") if value]
