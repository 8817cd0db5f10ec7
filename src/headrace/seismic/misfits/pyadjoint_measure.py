"""Settings and statistics of pyadjoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.misfits.base import WindowMeasure


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
