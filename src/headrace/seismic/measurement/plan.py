"""Plan of an event's measurement, made before anything is computed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import headrace
from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import SeismicError
from headrace.seismic.measurement.event_origin import EventOrigin, find_origin
from headrace.seismic.measurement.event_weights import event_weights, with_silent_stations
from headrace.seismic.measurement.figures import choose_sample
from headrace.seismic.measurement.geometry import read_geometry
from headrace.seismic.measurement.inspection import inspect_event
from headrace.seismic.measurement.problem_summary import EventError
from headrace.seismic.measurement.results import start_results
from headrace.seismic.measurement.station import MeasurementContext
from headrace.seismic.waveforms.reading import Station, find_stations
from headrace.seismic.windows.fixed import WINDOWS_FILE, read_fixed_windows

Figures = Literal["all", "sample", "none"]

_CHUNK_SIZE = 1 << 20  # bytes that are hashed at once


@dataclass(frozen=True)
class EventRequest:
    """Request to process an event.

    Attributes:
        observed: directory of the recorded seismograms.
        synthetic: directory of the computed seismograms.
        output: directory of the results; replaced as a whole.
        config: configuration file.
        event: name in the tables and figures.
        figures: draw all traces, a sample, or none.
        event_directory: has ``source.toml`` and ``STATIONS``; each station of the latter gets an
            adjoint source. Weights by azimuth need it.
        windows_from: output of an earlier run whose windows are used instead of new ones.
        misfit_only: write no adjoint sources and figures.
        settings: where people set what is in ``config``, if that was made from something else.
    """

    observed: Path
    synthetic: Path
    output: Path
    config: Path
    event: str
    figures: Figures = "sample"
    event_directory: Path | None = None
    windows_from: Path | None = None
    misfit_only: bool = False
    settings: str = ""

    @property
    def settings_name(self) -> str:
        """Name of the configuration in messages."""
        return self.settings or str(self.config)


@dataclass(frozen=True)
class EventPlan:
    """An event with everything found that its stations need.

    Attributes:
        request: what was asked for.
        config: how.
        stations: in the order of the tables.
        unusable: files that belong to no station: name and problem.
        drawn: names of the traces that get a figure.
        context: weights, earlier windows.
        partial: where the files go until all are there; None before `prepare_directory`.
        inputs: hash of all that the results are made from; empty before it is known.
    """

    request: EventRequest
    config: ProcessingConfig
    stations: list[Station]
    unusable: list[tuple[str, str]]
    figure_names: frozenset[str]
    context: MeasurementContext
    partial: Path | None = None
    inputs: str = ""

    @property
    def directory(self) -> Path:
        """Directory of the files until all are there."""
        if self.partial is None:
            raise SeismicError(f"{self.request.event}: no results were started")
        return self.partial

    def create_directory(self) -> EventPlan:
        """Make the directory that the files go to.

        Raises:
            SeismicError: it cannot be made.
        """
        partial = start_results(self.request.output)
        if self.figure_names:
            (partial / "figures").mkdir()
        return dataclasses.replace(self, partial=partial)


def make_event_plan(request: EventRequest, config: ProcessingConfig) -> EventPlan:
    """Find the stations of an event, their weights and earlier windows.

    Args:
        request: what and where.
        config: how.

    Returns:
        The plan.

    Raises:
        SeismicError: a directory or file is missing or cannot be used.
    """
    try:
        origin, stations, unusable = _stations(request, config)
        geometry = None
        if request.event_directory is not None:
            geometry = read_geometry(request.event_directory)
            stations = with_silent_stations(stations, geometry, config.components)
        weights = event_weights(config, request.settings_name, stations, geometry)
    except SeismicError:
        # Whoever mends it is shown all that there is to mend at once.
        problems = inspect_event(
            request.event,
            request.observed,
            request.synthetic,
            config,
            request.settings_name,
            request.event_directory,
        ).problems
        if not problems:
            raise
        raise EventError(f"{request.event}: could not be processed", problems) from None
    fixed_windows = None
    if request.windows_from is not None:
        fixed_windows = read_fixed_windows(request.windows_from, request.event, config)
    context = MeasurementContext(origin, weights, fixed_windows, request.misfit_only)
    figure_names: list[str] = []
    if request.figures != "none" and not request.misfit_only:
        figure_names = [
            f"{station.code}.{pair.channel}"
            for station in stations
            for pair in station.pairs
            if pair.observed and pair.synthetic
        ]
        if request.figures == "sample":
            figure_names = choose_sample(figure_names, config.figure_sample)
    return EventPlan(request, config, stations, unusable, frozenset(figure_names), context)


def _stations(
    request: EventRequest, config: ProcessingConfig
) -> tuple[EventOrigin | None, list[Station], list[tuple[str, str]]]:
    origin = find_origin(request.observed, request.synthetic, request.event_directory)
    stations, unusable = find_stations(
        request.observed,
        request.synthetic,
        config.components,
        config.observed_quantity,
        config.synthetic_quantity,
    )
    if not any(pair.observed and pair.synthetic for one in stations for pair in one.pairs):
        raise SeismicError(f"{request.event}: no trace is there on both sides")
    return origin, stations, unusable


def hash_station(station: Station) -> str:
    """Hash of the files of a station.

    Args:
        station: its pairs of files.

    Returns:
        A SHA-256; a file that cannot be read counts as such.
    """
    digest = hashlib.sha256()
    for pair in station.pairs:
        for file in (pair.observed, pair.synthetic):
            digest.update(f"{pair.channel} {file and (file.path.name, file.index)}\n".encode())
            for chunk in (file, *file.pieces) if file is not None else ():
                _add_file(digest, chunk.path)
    return digest.hexdigest()


def _add_file(digest: hashlib._Hash, path: Path) -> None:
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_SIZE):
                digest.update(chunk)
    except OSError:
        digest.update(b"cannot be read")


def hash_inputs(plan: EventPlan, stations: Sequence[str]) -> str:
    """Hash of everything that the results of an event are made from.

    Args:
        plan: the event.
        stations: the hash of each station, in order.

    Returns:
        A SHA-256, the same wherever the files are.
    """
    request = plan.request
    config = dataclasses.asdict(plan.config)
    # The weights below are what came of it.
    del config["weights"]["file"]
    facts = {
        "version": headrace.__version__,
        "event": request.event,
        "config": config,
        "figures": sorted(plan.figure_names),
        "misfit_only": request.misfit_only,
        "weights": dict(plan.context.weights),
        "origin": plan.context.origin and plan.context.origin.time.isoformat(),
        "unusable": plan.unusable,
        "stations": [
            [station.code, digest] for station, digest in zip(plan.stations, stations, strict=True)
        ],
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    if request.windows_from is not None:
        _add_file(digest, request.windows_from / WINDOWS_FILE)
    return digest.hexdigest()
