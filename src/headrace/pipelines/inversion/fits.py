"""Fits of stations and events, the worst first."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headrace.pipelines.inversion.file_cache import FileCache
from headrace.pipelines.inversion.iterations import Iteration
from headrace.seismic.inversion.paths import Paths

_MISFITS: Final = "misfit.csv"
_COLUMNS: Final = ("station", "windows", "misfit", "shift_s", "measured_shift_s")

_Sums = list[float]
"""Sums over the traces of a station: misfit, windows, traces, those without window, shifts."""


def _add(sums: dict[str, _Sums], station: str, more: _Sums) -> None:
    known = sums.get(station)
    if known is None:
        sums[station] = [*more]
        return
    for place, value in enumerate(more):
        known[place] += value


@dataclass(frozen=True)
class StationFit:
    """Fit of a station.

    Attributes:
        station: ``NET.STA``.
        misfit: of all its traces.
        per_window: misfit of a window in the mean; None where it has none.
        windows: number of windows.
        traces: number of traces.
        unused: traces without any window.
        shift: time shift of a window in the mean, without its sign, s.
    """

    station: str
    misfit: float
    per_window: float | None
    windows: int
    traces: int
    unused: int
    shift: float


class FitReader:
    """Reads fits; keeps what has not changed since."""

    def __init__(self) -> None:
        self._traces: FileCache[dict[str, _Sums]] = FileCache()
        self._misfits: FileCache[Mapping[str, Any]] = FileCache(2_000)

    def stations(self, staging: Path, iteration: Iteration) -> tuple[str, list[StationFit]]:
        """Return the evaluation, and the fits of its stations, the worst first.

        Args:
            staging: where the inversion is computed.
            iteration: the iteration: its accepted model, or the newest with windows.
        """
        paths = Paths(staging)
        for name in _candidates(iteration):
            windows = paths.evaluation(name).windows("-").parent
            files = sorted(windows.glob(f"*/{_MISFITS}")) if windows.is_dir() else []
            sums: dict[str, _Sums] = {}
            for file in files:
                for station, found in self._traces.get(file, _read_traces).items():
                    _add(sums, station, found)
            if sums:
                return name, sorted((_fit(*one) for one in sums.items()), key=_worst_first)
        return "", []

    def events(self, paths: Paths, iteration: Iteration) -> tuple[str, list[tuple[str, float]]]:
        """Return the evaluation, and the misfit of each of its events, the worst first.

        Args:
            paths: the inversion's files.
            iteration: the iteration; it has come home.
        """
        known = self._misfits.get(paths.results(iteration.number) / "misfits.json", _read_misfits)
        for name in _candidates(iteration):
            evaluation = known.get(name)
            events = evaluation.get("events") if isinstance(evaluation, dict) else None
            if isinstance(events, dict):
                rows = [(str(event), value) for event, value in events.items() if _is_finite(value)]
                return name, sorted(rows, key=lambda row: (-row[1], row[0]))
        return "", []


def _candidates(iteration: Iteration) -> list[str]:
    """Return evaluations, that of the iteration's result first, then the newest ones."""
    accepted = iteration.summary.get("accepted")
    newest = [name for name in reversed(list(iteration.works)) if name]
    return list(dict.fromkeys([*([str(accepted)] if accepted else []), *newest]))


def _read_traces(path: Path) -> dict[str, _Sums]:
    found: dict[str, _Sums] = {}
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            # An inversion has some ten thousand lines of an evaluation: no dictionary for each.
            rows = csv.reader(stream)
            columns = {name: place for place, name in enumerate(next(rows, ()))}
            places = [columns[name] for name in _COLUMNS]
            for row in rows:
                if len(row) > max(places):
                    _add_trace(found, *(row[place] for place in places))
    except (OSError, csv.Error, KeyError):
        return {}
    return found


def _add_trace(
    found: dict[str, _Sums], station: str, count: str, value: str, shifts: str, measured: str
) -> None:
    """Add a line of a table to what is known of its station; none that was being written."""
    try:
        windows = int(count or 0)
        misfit = float(value or 0.0)
        moved = _shift_sum(shifts, measured)
    except ValueError:
        return
    if station and math.isfinite(misfit + moved):
        known = found.get(station)
        if known is None:
            found[station] = [misfit, windows, 1, not windows, moved]
            return
        known[0] += misfit
        known[1] += windows
        known[2] += 1
        known[3] += not windows
        known[4] += moved


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


def _fit(station: str, sums: _Sums) -> StationFit:
    misfit, windows, traces, unused, shift = sums
    return StationFit(
        station,
        misfit,
        misfit / windows if windows else None,
        int(windows),
        int(traces),
        int(unused),
        shift / windows if windows else 0.0,
    )


def _worst_first(fit: StationFit) -> tuple[float, str]:
    return -(fit.per_window or 0.0), fit.station


def _read_misfits(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
