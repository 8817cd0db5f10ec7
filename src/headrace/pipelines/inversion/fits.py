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


_Sums = tuple[float, float, float, float, float]
"""Sums over the traces of a station: misfit, windows, traces, those without window, shifts."""


def _add(sums: dict[str, _Sums], station: str, more: _Sums) -> None:
    known = sums.get(station)
    if known is None:
        sums[station] = more
        return
    (a, b, c, d, e), (f, g, h, i, j) = known, more
    sums[station] = (a + f, b + g, c + h, d + i, e + j)


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
            for row in csv.DictReader(stream):
                station = row.get("station")
                sums = _trace(row)
                if station and sums is not None:
                    _add(found, station, sums)
    except (OSError, csv.Error):
        return {}
    return found


def _trace(row: Mapping[str, Any]) -> _Sums | None:
    try:
        windows = int(row["windows"] or 0)
        misfit = float(row["misfit"] or 0.0)
        shift = abs(float(row["measured_shift_s"] or row["shift_s"] or 0.0))
    except (KeyError, ValueError, TypeError):
        return None  # a line that was being written
    if not math.isfinite(misfit) or not math.isfinite(shift):
        return None
    return misfit, windows, 1, int(not windows), shift * windows


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
