"""Seismograms: waveforms, misfit windows, misfits and adjoint sources.

A compute node needs this package alone; it imports nothing of the orchestration.
"""

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.seismic.config import ProcessingConfig
    from headrace.seismic.config_file import parse_config, read_config
    from headrace.seismic.errors import (
        ConfigError,
        ModelError,
        OptimiserError,
        SeismicError,
        SolverError,
        StationProblem,
    )
    from headrace.seismic.measurement.event import process_event, process_events
    from headrace.seismic.measurement.plan import EventRequest
    from headrace.seismic.measurement.station import TraceResult, process_station
    from headrace.seismic.misfits.base import Measurement, WindowMeasure
    from headrace.seismic.misfits.measure import measure
    from headrace.seismic.parallel import Ranks, SingleRank, find_ranks
    from headrace.seismic.waveforms.analytic_synthetics import demo_event, write_event
    from headrace.seismic.waveforms.processing import align, filter_pair, transpose_filter
    from headrace.seismic.waveforms.reading import (
        Seismogram,
        Station,
        find_stations,
        read_seismogram,
    )
    from headrace.seismic.windows.selection import Window, select_windows

__all__ = [
    "ConfigError",
    "EventRequest",
    "Measurement",
    "ModelError",
    "OptimiserError",
    "ProcessingConfig",
    "Ranks",
    "SeismicError",
    "Seismogram",
    "SingleRank",
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

__getattr__ = lazy_names(__name__)
