"""Seismograms: waveforms, misfit windows, misfits and adjoint sources.

A compute node needs this room alone; it imports nothing of the orchestration.
"""

from headrace.seismic.adjoint import Measurement, WindowMeasure, measure
from headrace.seismic.config import ProcessingConfig, parse_config, read_config
from headrace.seismic.errors import (
    ConfigError,
    ModelError,
    OptimiserError,
    SeismicError,
    SolverError,
    StationProblem,
)
from headrace.seismic.event import process_event, process_events
from headrace.seismic.green import demo_event, write_event
from headrace.seismic.parallel import OneRank, Ranks, find_ranks
from headrace.seismic.plan import EventRequest
from headrace.seismic.processing import align, filter_pair, transpose_filter
from headrace.seismic.station import TraceResult, process_station
from headrace.seismic.waveforms import Seismogram, Station, find_stations, read_seismogram
from headrace.seismic.windows import Window, select_windows

__all__ = [
    "ConfigError",
    "EventRequest",
    "Measurement",
    "ModelError",
    "OneRank",
    "OptimiserError",
    "ProcessingConfig",
    "Ranks",
    "SeismicError",
    "Seismogram",
    "SolverError",
    "Station",
    "StationProblem",
    "TraceResult",
    "Window",
    "WindowMeasure",
    "align",
    "demo_event",
    "filter_pair",
    "find_ranks",
    "find_stations",
    "measure",
    "parse_config",
    "process_event",
    "process_events",
    "process_station",
    "read_config",
    "read_seismogram",
    "select_windows",
    "transpose_filter",
    "write_event",
]
