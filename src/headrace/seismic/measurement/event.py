"""Events on one or many ranks: stations shared out, results gathered, files put in place."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.config_file import read_config
from headrace.seismic.errors import IN_CONFIGURATION, IN_EVENT_FILE, SeismicError
from headrace.seismic.measurement.event_origin import event_file_of
from headrace.seismic.measurement.figures import TraceFigure
from headrace.seismic.measurement.plan import (
    EventPlan,
    EventRequest,
    hash_inputs,
    hash_station,
    make_event_plan,
)
from headrace.seismic.measurement.problem_summary import (
    NotMeasured,
    SharedProblem,
    TraceProblems,
    shared_problems,
)
from headrace.seismic.measurement.results import finish_results, read_complete, write_tables
from headrace.seismic.measurement.station import TraceResult, process_station
from headrace.seismic.parallel import Ranks, slice_of_rank
from headrace.seismic.waveforms.specfem_ascii import write_two_columns

__all__ = ["EventRequest", "Outcome", "Report", "process_event", "process_events"]

Report = Callable[[dict[str, Any]], None]
Outcome = dict[str, Any] | SeismicError

_PROGRESS_INTERVAL = 0.2  # s between two progress lines


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
    (outcome,) = process_events([request], ranks, report)
    if isinstance(outcome, SeismicError):
        raise outcome
    return outcome


def process_events(
    requests: Sequence[EventRequest], ranks: Ranks, report: Report, resume: bool = False
) -> list[Outcome]:
    """Process many events with the stations of all shared among the ranks; every rank calls it.

    The files are those of `process_event` for each. An event is put in place as soon as its last
    station is done, and an event that fails stops no other.

    Args:
        requests: what and where.
        ranks: who takes part.
        report: as for `process_event`; one ``end`` or ``failed`` for every event.
        resume: leave an event alone whose results are whole and made from the same inputs.

    Returns:
        The summary of each event or what was wrong with it, on every rank, in order.
    """
    for place in ranks.gather(_rank_info(ranks)):
        report({"stage": "start", **place})
    book = _EventBatch(list(requests), ranks, report)
    book.plan(resume)
    book.process()
    outcomes: list[Outcome] = ranks.broadcast(book.outcomes)
    return outcomes


def _rank_info(ranks: Ranks) -> dict[str, Any]:
    return {
        "rank": ranks.rank,
        "size": ranks.size,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "slurm_job_id": os.environ.get("SLURM_JOB_ID"),
    }


class _EventBatch:
    """The events of a call, what is done of them, and what became of them.

    Every rank knows the plans; results and outcomes come together on rank 0.
    """

    def __init__(self, requests: list[EventRequest], ranks: Ranks, report: Report) -> None:
        self._requests = requests
        self._ranks = ranks
        self._report = report
        self._plans: list[EventPlan | SeismicError] = []
        self._results: list[dict[int, list[TraceResult]]] = [{} for _ in requests]
        self._failures: dict[int, SeismicError] = {}
        self._done = self._total = 0
        self._last_progress = 0.0
        self.outcomes: list[Any] = [None] * len(requests)

    def plan(self, resume: bool) -> None:
        """Make the plans of all events, and leave out what is there already."""
        ranks = self._ranks
        plans: list[EventPlan | SeismicError] = []
        if ranks.rank == 0:
            plans = self._make_plans()
        plans = ranks.broadcast(plans)
        hashes = ranks.gather(
            [
                (event, station, hash_station(planned.stations[station]))
                for event, station in slice_of_rank(_tasks(plans), ranks.rank, ranks.size)
                if isinstance(planned := plans[event], EventPlan)
            ]
        )
        if ranks.rank == 0:
            digests: list[list[str]] = [[] for _ in plans]
            for event, _, digest in (one for share in hashes for one in share):
                digests[event].append(digest)
            for event, planned in enumerate(plans):
                if isinstance(planned, EventPlan):
                    plans[event] = self._prepare_event(event, planned, digests[event], resume)
                else:
                    self._record_failure(event, planned)
        self._plans = ranks.broadcast(plans)

    def _make_plans(self) -> list[EventPlan | SeismicError]:
        configs: dict[Path, ProcessingConfig] = {}
        plans: list[EventPlan | SeismicError] = []
        for request in self._requests:
            try:
                if request.config not in configs:
                    configs[request.config] = read_config(request.config)
                plans.append(make_event_plan(request, configs[request.config]))
            except SeismicError as error:
                plans.append(error)
        return plans

    def _prepare_event(
        self, event: int, planned: EventPlan, digests: list[str], resume: bool
    ) -> EventPlan | SeismicError:
        request = planned.request
        planned = dataclasses.replace(planned, inputs=hash_inputs(planned, digests))
        summary = read_complete(request.output, planned.inputs) if resume else None
        if summary is not None:
            self.outcomes[event] = summary
            self._report_end(request, summary, computed=False)
            return dataclasses.replace(planned, stations=[])
        try:
            return planned.create_directory()
        except SeismicError as error:
            self._record_failure(event, error)
            return error

    def process(self) -> None:
        """Process this rank's share; rank 0 goes on until all shares are done."""
        ranks, tasks = self._ranks, _tasks(self._plans)
        self._total = len(tasks)
        figures: dict[int, TraceFigure] = {}
        failed: dict[int, SeismicError] = {}
        for event, station in slice_of_rank(tasks, ranks.rank, ranks.size):
            planned = self._plans[event]
            if not isinstance(planned, EventPlan):
                continue
            found: list[TraceResult] | SeismicError
            try:
                # The first failure is the event's end: nothing more need be computed for it.
                found = failed.get(event) or _process(planned, station, figures, event)
            except OSError as error:
                found = failed[event] = _cannot_write(planned.request, error)
            if ranks.rank:
                ranks.send((event, station, found))
            else:
                self._record_station(event, station, found)
                self._receive_results(wait=False)
        while not ranks.rank and self._done < self._total:
            self._receive_results(wait=True)

    def _receive_results(self, wait: bool) -> None:
        message = self._ranks.receive(wait)
        while message is not None:
            self._record_station(*message[1])
            message = self._ranks.receive(wait=False)

    def _record_station(
        self, event: int, station: int, found: list[TraceResult] | SeismicError
    ) -> None:
        self._done += 1
        now = time.monotonic()
        last = self._done == self._total
        if last or self._last_progress == 0.0 or now - self._last_progress >= _PROGRESS_INTERVAL:
            self._last_progress = now
            self._report({"stage": "progress", "done": self._done, "total": self._total})
        results = self._results[event]
        results[station] = [] if isinstance(found, SeismicError) else found
        if isinstance(found, SeismicError):
            self._failures.setdefault(event, found)
        planned = self._plans[event]
        if isinstance(planned, EventPlan) and len(results) == len(planned.stations):
            self._finish_event(event, planned)

    def _finish_event(self, event: int, planned: EventPlan) -> None:
        results = self._results[event]
        try:
            if event in self._failures:
                raise self._failures[event]
            ordered = [found for station in sorted(results) for found in results[station]]
            summary = _write(planned, ordered)
        except OSError as error:
            self._record_failure(event, _cannot_write(planned.request, error))
        except SeismicError as error:
            self._record_failure(event, error)
        else:
            self.outcomes[event] = summary
            for problem in summary["problems"]:
                self._report({"stage": "problem", **self._event_name(event), **problem})
            self._report_end(planned.request, summary, computed=True)
        finally:
            shutil.rmtree(planned.directory, ignore_errors=True)
            self._results[event] = {}

    def _event_name(self, event: int) -> dict[str, Any]:
        """Return the event's name, where there are several."""
        return {"event": self._requests[event].event} if len(self._requests) > 1 else {}

    def _record_failure(self, event: int, error: SeismicError) -> None:
        self.outcomes[event] = error
        name = self._requests[event].event
        self._report({"stage": "failed", "event": name, "problem": str(error)})

    def _report_end(self, request: EventRequest, summary: dict[str, Any], computed: bool) -> None:
        counts = {key: summary[key] for key in ("event", "stations", "traces", "windows", "misfit")}
        self._report(
            {
                "stage": "end",
                **counts,
                "problems": len(summary["problems"]),
                "output": str(request.output),
                "computed": computed,
            }
        )


def _tasks(plans: Sequence[EventPlan | SeismicError]) -> list[tuple[int, int]]:
    """Event and station of everything that is to be done, in order."""
    return [
        (event, station)
        for event, planned in enumerate(plans)
        if isinstance(planned, EventPlan)
        for station in range(len(planned.stations))
    ]


def _cannot_write(request: EventRequest, error: OSError) -> SeismicError:
    return SeismicError(f"{request.output}: cannot write results: {error.strerror}")


def _process(
    planned: EventPlan, station: int, figures: dict[int, TraceFigure], event: int
) -> list[TraceResult]:
    """Return one station: its files written, and what rank 0 needs for the tables."""
    found = process_station(planned.stations[station], planned.config, planned.context)
    for result in found:
        samples = result.adjoint_source
        if result.axis is not None and samples is not None and not planned.context.misfit_only:
            write_two_columns(planned.directory / f"{result.name}.adj", result.axis, samples)
        if result.filtered is not None and result.name in planned.figure_names:
            if event not in figures:
                figures.clear()
                figures[event] = TraceFigure(planned.request.event, planned.config)
            figures[event].draw(result, planned.directory / "figures" / f"{result.name}.png")
    return [_without_samples(result) for result in found]


def _without_samples(result: TraceResult) -> TraceResult:
    measurement = result.measurement
    if measurement is not None:
        measurement = dataclasses.replace(measurement, adjoint_source=np.empty(0))
    return dataclasses.replace(result, filtered=None, measurement=measurement)


def _write(planned: EventPlan, results: list[TraceResult]) -> dict[str, Any]:
    request = planned.request
    _refuse_fewer_windows(planned, results)
    results = _blanks_without_axis(planned, results)
    summary = write_tables(
        planned.directory,
        request.event,
        planned.config,
        results,
        planned.unusable,
        planned.inputs,
        request.misfit_only,
    )
    if summary["traces"] == 0:
        raise NotMeasured(
            f"{request.event}: none of {len(planned.stations)} stations could be processed",
            _problems(planned, results),
        )
    finish_results(planned.directory, request.output)
    return summary


def _problems(planned: EventPlan, results: list[TraceResult]) -> list[SharedProblem]:
    request = planned.request
    found = [TraceProblems.of_file(name, text) for name, text in planned.unusable]
    found += [
        TraceProblems.of_pair(result.station, result.component, result.pair, result.problems)
        for result in results
    ]
    files = {
        IN_CONFIGURATION: request.settings_name,
        IN_EVENT_FILE: str(event_file_of(request.observed, request.synthetic)),
    }
    return shared_problems(request.event, found, files)


def _refuse_fewer_windows(planned: EventPlan, results: list[TraceResult]) -> None:
    """Earlier windows that cannot be measured would make the misfit fall for no good reason."""
    if planned.context.fixed_windows is None:
        return
    measured = {found.name for found in results if found.measurement is not None}
    wanted = [name for name, trace in planned.context.fixed_windows.items() if trace.borders]
    lost = [name for name in wanted if name not in measured]
    if lost:
        why = next((found.problem for found in results if found.name == lost[0]), None)
        why = why or "no such trace"
        raise NotMeasured(
            f"{planned.request.event}: {len(lost)} of {len(wanted)} traces with earlier windows "
            f"cannot be measured, the misfits would not compare; {lost[0]}: {why}"
        )


def _blanks_without_axis(planned: EventPlan, results: list[TraceResult]) -> list[TraceResult]:
    """Write zero traces where no synthetic could be read, on the times of the first that could.

    The solver wants a file for every station, and all synthetics of an event share their times.
    """
    axis = next((found.axis for found in results if found.axis is not None), None)
    if axis is None or planned.context.misfit_only:
        return results
    filled = []
    for found in results:
        if found.axis is None:
            write_two_columns(planned.directory / f"{found.name}.adj", axis, np.zeros(axis.npts))
            found = dataclasses.replace(found, axis=axis)
        filled.append(found)
    return filled
