"""Fits of stations, summed over the traces of tables of misfits."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

_COLUMNS: Final = ("station", "windows", "misfit", "shift_s", "measured_shift_s")
_KEYS: Final = ("misfit", "windows", "traces", "unused_traces", "shift_s")

FitSums = list[float]
"""Sums of a station: misfit, windows, traces, traces without any window, and time shifts of windows
without their signs, s."""


def read_fit_sums(path: Path) -> dict[str, FitSums]:
    """Return the sums of each station in a table of misfits.

    Args:
        path: the table, as `headrace.seismic.measurement.results` writes it. A line or a table that
            is being written counts for nothing.
    """
    found: dict[str, FitSums] = {}
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            # An inversion has some ten thousand lines of an evaluation: no dictionary for each.
            rows = csv.reader(stream)
            columns = {name: place for place, name in enumerate(next(rows, ()))}
            chosen = itemgetter(*(columns[name] for name in _COLUMNS))
            for row in rows:
                try:
                    station, count, value, shifts, measured = chosen(row)
                    windows = int(count or 0)
                    misfit = float(value or 0.0)
                    shift = _shift_sum(shifts, measured)
                except (IndexError, ValueError):
                    continue  # being written
                if station and math.isfinite(misfit + shift):
                    add_fit_sums(found, station, (misfit, windows, 1, not windows, shift))
    except (OSError, csv.Error, KeyError):
        return {}
    return found


def add_fit_sums(sums: dict[str, FitSums], station: str, more: Iterable[float]) -> None:
    """Add sums of a station to those that are known.

    Args:
        sums: the known ones, by station.
        station: the station, ``NET.STA``.
        more: what is added.
    """
    known = sums.get(station)
    if known is None:
        sums[station] = [*more]
        return
    misfit, windows, traces, unused, shift = more
    known[0] += misfit
    known[1] += windows
    known[2] += traces
    known[3] += unused
    known[4] += shift


def total_fit_sums(tables: Iterable[Mapping[str, FitSums]]) -> dict[str, FitSums]:
    """Return the sums of several tables together.

    Args:
        tables: of each event.
    """
    found: dict[str, FitSums] = {}
    for table in tables:
        for station, sums in table.items():
            add_fit_sums(found, station, sums)
    return found


def fit_documents(sums: Mapping[str, FitSums]) -> dict[str, dict[str, float]]:
    """Return the sums of stations as JSON has them, by station.

    Args:
        sums: the sums.
    """
    return {
        station: dict(zip(_KEYS, (values[0], *map(int, values[1:4]), values[4]), strict=True))
        for station, values in sorted(sums.items())
    }


def read_fit_documents(documents: Any) -> dict[str, FitSums]:
    """Return the sums of stations that `fit_documents` gave; none where anything else stands there.

    Args:
        documents: JSON of anybody.
    """
    found: dict[str, FitSums] = {}
    for station, document in documents.items() if isinstance(documents, dict) else ():
        try:
            values = [float(document[key]) for key in _KEYS]
        except (KeyError, TypeError, ValueError):
            return {}
        if not all(map(math.isfinite, values)):
            return {}
        found[station] = values
    return found


def _shift_sum(shifts: str, measured: str) -> float:
    """Return the sum of the shifts of a trace's windows, without their signs, s.

    Args:
        shifts: of each window as it was selected, with ``;`` between them.
        measured: of each window as it was measured; empty where that measures none.
    """
    if ";" not in shifts:
        return abs(float(measured or shifts or 0.0))
    selected = shifts.split(";")
    known = measured.split(";") if measured else [""] * len(selected)
    return sum(abs(float(one or other)) for one, other in zip(known, selected, strict=True))
