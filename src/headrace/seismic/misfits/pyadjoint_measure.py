"""Measurements by pyadjoint on plain arrays."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.misfits.base import Measurement, WindowMeasure
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


def pyadjoint_settings(config: ProcessingConfig) -> Any:
    """Return pyadjoint's configuration."""
    import pyadjoint

    # The program says itself what is wrong with a station; a fall-back of multitaper to
    # cross-correlation is in the results.
    logging.getLogger("pyadjoint").setLevel(logging.ERROR)
    return pyadjoint.get_config(
        adjsrc_type=config.adjoint_source,
        min_period=config.min_period,
        max_period=config.max_period,
        **config.measure,
    )


def window_measure(statistics: Mapping[str, Any], config: ProcessingConfig) -> WindowMeasure:
    """Read misfit and shift from pyadjoint's statistics of a window."""
    kind = "dlna" if config.measure.get("measure_type") == "am" else "dt"
    names = [name for name in ("misfit", f"misfit_{kind}") if name in statistics]
    names = names or ["misfit_real", "misfit_imag"]
    shift = statistics.get("tshift", statistics.get("dt"))
    return WindowMeasure(
        misfit=float(sum(statistics[name] for name in names)),
        shift=None if shift is None else float(shift),
    )
