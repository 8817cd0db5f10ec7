"""Fits of stations and events, the worst first."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headrace.pipelines.inversion.file_cache import FileCache
from headrace.pipelines.inversion.iterations import Iteration
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.measurement.results import MISFIT_TABLE
from headrace.seismic.measurement.station_fits import (
    FitSums,
    read_fit_documents,
    read_fit_sums,
    total_fit_sums,
)

# Of as many events as an inversion has, in some evaluations that are being measured.
_TABLES: Final = 4_000
_MISFIT_FILES: Final = 100


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


@dataclass(frozen=True)
class _Evaluation:
    """Fits of an evaluation whose misfit is known: misfits of its events, sums of its stations."""

    events: Mapping[str, float]
    stations: Mapping[str, FitSums]


class FitReader:
    """Reads fits; keeps what has not changed since."""

    def __init__(self) -> None:
        self._tables: FileCache[dict[str, FitSums]] = FileCache(_TABLES)
        self._at_home: FileCache[Mapping[str, _Evaluation]] = FileCache(_MISFIT_FILES)
        self._computed: FileCache[_Evaluation | None] = FileCache(_MISFIT_FILES)

    def stations(
        self, paths: Paths, staging: Path | None, iteration: Iteration
    ) -> tuple[str, list[StationFit]]:
        """Return the evaluation, and the fits of its stations, the worst first.

        Args:
            paths: the inversion's files.
            staging: where it is computed, if that can be seen: then fits of an evaluation that is
                being measured are seen too.
            iteration: the iteration: its accepted model, or the newest with windows.
        """
        for name in _candidates(iteration):
            known = self._evaluation(paths, staging, iteration, name)
            sums = known.stations if known is not None else {}
            if not sums and staging is not None:
                sums = self._measured(Paths(staging), name)
            if sums:
                return name, sorted((_fit(*one) for one in sums.items()), key=_worst_first)
        return "", []

    def events(
        self, paths: Paths, staging: Path | None, iteration: Iteration
    ) -> tuple[str, list[tuple[str, float]]]:
        """Return the evaluation, and the misfit of each of its events, the worst first.

        Args:
            paths: the inversion's files.
            staging: as of `stations`.
            iteration: the iteration.
        """
        for name in _candidates(iteration):
            known = self._evaluation(paths, staging, iteration, name)
            if known is not None and known.events:
                return name, sorted(known.events.items(), key=lambda row: (-row[1], row[0]))
        return "", []

    def _evaluation(
        self, paths: Paths, staging: Path | None, iteration: Iteration, name: str
    ) -> _Evaluation | None:
        at_home = paths.results(iteration.number) / "misfits.json"
        found = self._at_home.get(at_home, _read_evaluations).get(name)
        if found is None and staging is not None:
            found = self._computed.get(Paths(staging).evaluation(name).misfit, _read_evaluation)
        return found

    def _measured(self, staging: Paths, name: str) -> dict[str, FitSums]:
        windows = staging.evaluation(name).windows("-").parent
        files = sorted(windows.glob(f"*/{MISFIT_TABLE}")) if windows.is_dir() else []
        return total_fit_sums(self._tables.get(file, read_fit_sums) for file in files)


def _candidates(iteration: Iteration) -> list[str]:
    """Return evaluations, that of the iteration's result first, then the newest ones."""
    accepted = iteration.summary.get("accepted")
    newest = [name for name in reversed(list(iteration.works)) if name]
    return list(dict.fromkeys([*([str(accepted)] if accepted else []), *newest]))


def _fit(station: str, sums: FitSums) -> StationFit:
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


def _read_evaluations(path: Path) -> Mapping[str, _Evaluation]:
    """Return the evaluations of an iteration that has come home; what is no such file has none."""
    found = {name: _evaluation_of(document) for name, document in _document(path).items()}
    return {name: evaluation for name, evaluation in found.items() if evaluation is not None}


def _read_evaluation(path: Path) -> _Evaluation | None:
    return _evaluation_of(_document(path))


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _evaluation_of(document: Any) -> _Evaluation | None:
    events = document.get("events") if isinstance(document, dict) else None
    if not isinstance(events, dict):
        return None
    known = {event: value for event, value in events.items() if _is_finite(value)}
    return _Evaluation(known, read_fit_documents(document.get("stations")))


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
