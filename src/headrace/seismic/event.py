"""One event on one or many ranks: stations shared out, results gathered, files put in place."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from headrace.seismic.config import ProcessingConfig, read_config
from headrace.seismic.errors import SeismicError
from headrace.seismic.figures import TraceFigure, choose_sample
from headrace.seismic.parallel import Ranks, own_share
from headrace.seismic.results import finish_results, start_results, write_tables
from headrace.seismic.station import TraceResult, process_station
from headrace.seismic.two_columns import write_two_columns
from headrace.seismic.waveforms import Station, find_stations

Report = Callable[[dict[str, Any]], None]
Figures = Literal["all", "sample", "none"]

_PROGRESS_INTERVAL = 0.2  # s between two progress lines


@dataclass(frozen=True)
class EventRequest:
    """What to process.

    Attributes:
        observed: directory of the recorded seismograms.
        synthetic: directory of the computed seismograms.
        output: directory of the results; replaced as a whole.
        config: configuration file.
        event: name in the tables and figures.
        figures: draw all traces, a sample, or none.
    """

    observed: Path
    synthetic: Path
    output: Path
    config: Path
    event: str
    figures: Figures = "sample"


@dataclass(frozen=True)
class _Plan:
    config: ProcessingConfig
    stations: list[Station]
    unusable: list[tuple[str, str]]
    drawn: frozenset[str]
    partial: Path


@dataclass
class _Tally:
    """What rank 0 knows of the others."""

    total: int
    report: Report
    done: int = 0
    results: dict[int, list[TraceResult]] = field(default_factory=dict)
    failures: list[SeismicError] = field(default_factory=list)
    _told: float = 0.0

    def count(self, stations: int) -> None:
        self.done += stations
        now = time.monotonic()
        last = self.done == self.total
        if last or self._told == 0.0 or now - self._told >= _PROGRESS_INTERVAL:
            self._told = now
            self.report({"stage": "progress", "done": self.done, "total": self.total})

    def take(self, rank: int, message: tuple[str, Any]) -> None:
        kind, value = message
        if kind == "done":
            self.count(value)
        elif kind == "results":
            self.results[rank] = value
        else:
            self.results.setdefault(rank, [])
            self.failures.append(value)


def process_event(request: EventRequest, ranks: Ranks, report: Report) -> dict[str, Any]:
    """Process all stations of an event; every rank calls it.

    The files do not depend on the number of ranks. They appear in ``request.output`` all at
    once, at the end.

    Args:
        request: what and where.
        ranks: who takes part.
        report: takes what there is to say, on rank 0: ``start`` of every rank, ``progress``,
            every ``problem``, and the ``end``.

    Returns:
        The summary, as in ``summary.json``, on every rank.

    Raises:
        SeismicError: on every rank, if nothing could be processed or written.
    """
    for place in ranks.collect(_place(ranks)):
        report({"stage": "start", **place})
    plan: _Plan = _shared(ranks, lambda: _prepare(request))
    tally = _Tally(len(plan.stations), report)
    results, failure = _process_share(request, plan, ranks, tally)
    if ranks.rank:
        ranks.send(("results", results) if failure is None else ("failed", failure))
    else:
        tally.take(0, ("results", results))
        if failure is not None:
            tally.take(0, ("failed", failure))
        while len(tally.results) < ranks.size:
            _drain(ranks, tally, wait=True)
    summary: dict[str, Any] = _shared(ranks, lambda: _finish(request, plan, ranks, tally))
    return summary


def _place(ranks: Ranks) -> dict[str, Any]:
    return {
        "rank": ranks.rank,
        "size": ranks.size,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "slurm_job_id": os.environ.get("SLURM_JOB_ID"),
    }


def _shared(ranks: Ranks, work: Callable[[], Any]) -> Any:
    """Let rank 0 work and give everybody its value or its error."""
    outcome: Any = None
    if ranks.rank == 0:
        try:
            outcome = work()
        except SeismicError as error:
            outcome = error
    outcome = ranks.share(outcome)
    if isinstance(outcome, SeismicError):
        raise outcome
    return outcome


def _prepare(request: EventRequest) -> _Plan:
    config = read_config(request.config)
    stations, unusable = find_stations(request.observed, request.synthetic, config.components)
    drawn: list[str] = []
    if request.figures != "none":
        drawn = [
            f"{station.code}.{pair.channel}"
            for station in stations
            for pair in station.pairs
            if pair.observed and pair.synthetic
        ]
        if request.figures == "sample":
            drawn = choose_sample(drawn, config.figure_sample)
    partial = start_results(request.output)
    if drawn:
        (partial / "figures").mkdir()
    return _Plan(config, stations, unusable, frozenset(drawn), partial)


def _process_share(
    request: EventRequest, plan: _Plan, ranks: Ranks, tally: _Tally
) -> tuple[list[TraceResult], SeismicError | None]:
    results: list[TraceResult] = []
    try:
        for found in _station_results(request, plan, ranks):
            results += [_without_samples(result) for result in found]
            if ranks.rank:
                ranks.send(("done", 1))
            else:
                tally.count(1)
                _drain(ranks, tally, wait=False)
    except OSError as error:
        return results, SeismicError(f"{request.output}: cannot write results: {error.strerror}")
    return results, None


def _station_results(
    request: EventRequest, plan: _Plan, ranks: Ranks
) -> Iterator[list[TraceResult]]:
    figure: TraceFigure | None = None
    for station in own_share(plan.stations, ranks.rank, ranks.size):
        found = process_station(station, plan.config)
        for result in found:
            samples = result.adjoint_source
            if result.axis is not None and samples is not None:
                write_two_columns(plan.partial / f"{result.name}.adj", result.axis, samples)
            if result.filtered is not None and result.name in plan.drawn:
                figure = figure or TraceFigure(request.event, plan.config)
                figure.draw(result, plan.partial / "figures" / f"{result.name}.png")
        yield found


def _without_samples(result: TraceResult) -> TraceResult:
    """What rank 0 needs for the tables."""
    measurement = result.measurement
    if measurement is not None:
        measurement = dataclasses.replace(measurement, adjoint_source=np.empty(0))
    return dataclasses.replace(result, filtered=None, measurement=measurement)


def _drain(ranks: Ranks, tally: _Tally, wait: bool) -> None:
    message = ranks.receive(wait)
    while message is not None:
        tally.take(*message)
        message = ranks.receive(wait=False)


def _finish(request: EventRequest, plan: _Plan, ranks: Ranks, tally: _Tally) -> dict[str, Any]:
    results = [found for rank in range(ranks.size) for found in tally.results[rank]]
    try:
        if tally.failures:
            raise tally.failures[0]
        results = _blanks_without_axis(plan, results)
        summary = _tables(request, plan, results)
        finish_results(plan.partial, request.output)
    except OSError as error:
        raise SeismicError(f"{request.output}: cannot write results: {error.strerror}") from None
    finally:
        shutil.rmtree(plan.partial, ignore_errors=True)
    for problem in summary["problems"]:
        tally.report({"stage": "problem", **problem})
    counts = {key: summary[key] for key in ("event", "stations", "traces", "windows", "misfit")}
    tally.report(
        {
            "stage": "end",
            **counts,
            "problems": len(summary["problems"]),
            "output": str(request.output),
        }
    )
    return summary


def _tables(request: EventRequest, plan: _Plan, results: list[TraceResult]) -> dict[str, Any]:
    summary = write_tables(plan.partial, request.event, plan.config, results, plan.unusable)
    if summary["traces"] == 0:
        first = summary["problems"][0]
        name = ".".join(part for part in (first["station"], first["component"]) if part)
        raise SeismicError(
            f"{request.event}: none of {len(plan.stations)} stations could be processed; "
            f"{name}: {first['problem']}"
        )
    return summary


def _blanks_without_axis(plan: _Plan, results: list[TraceResult]) -> list[TraceResult]:
    """Write zero traces where no synthetic could be read, on the times of the first that could.

    The solver wants a file for every station, and all synthetics of an event share their times.
    """
    axis = next((found.axis for found in results if found.axis is not None), None)
    if axis is None:
        return results
    filled = []
    for found in results:
        if found.axis is None:
            write_two_columns(plan.partial / f"{found.name}.adj", axis, np.zeros(axis.npts))
            found = dataclasses.replace(found, axis=axis)
        filled.append(found)
    return filled
