"""Measurements by pyadjoint, which ours are compared with."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.misfits.base import Measurement
from headrace.seismic.misfits.pyadjoint_measure import pyadjoint_settings, window_measure
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window


def measure_with_pyadjoint(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    config: ProcessingConfig,
) -> Measurement:
    """Measure a filtered pair as pyadjoint does.

    Args:
        observed: filtered samples, shape ``(npts,)``.
        synthetic: filtered samples, same shape.
        windows: where to measure; no two have a sample in common.
        dt: sampling interval, s.
        config: adjoint source type, one of pyadjoint's, and its settings.
    """
    import pyadjoint
    from obspy import Trace

    settings = pyadjoint_settings(config)
    header = {"delta": dt, "channel": "BXX"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = pyadjoint.calculate_adjoint_source(
            observed=Trace(observed, dict(header)),
            synthetic=Trace(synthetic, dict(header)),
            config=settings,
            windows=[list(window.seconds(dt)) for window in windows],
        )
    return Measurement(
        misfit=float(source.misfit),
        # pyadjoint hands it over reversed in time; solvers reverse it themselves.
        adjoint_source=np.ascontiguousarray(source.adjoint_source[::-1]),
        windows=tuple(window_measure(stats, config) for stats in source.window_stats),
    )
