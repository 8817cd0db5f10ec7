"""Multitaper travel time or amplitude at each frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from headrace.seismic.checks import Check, boolean, integer, number
from headrace.seismic.config import ProcessingConfig, Setting
from headrace.seismic.misfits.base import Measurement, Misfit
from headrace.seismic.misfits.cross_correlation import CROSS_CORRELATION_SETTINGS, refuse_constant
from headrace.seismic.misfits.pyadjoint_measure import pyadjoint_settings, window_measure
from headrace.seismic.misfits.tapers import TAPER_SETTINGS
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window

_NUMBERS = (
    "transfunc_waterlevel",
    "water_threshold",
    "min_cycle_in_window",
    "mt_nw",
    "phase_step",
    "dt_fac",
    "err_fac",
    "dt_max_scale",
)


class MultitaperMisfit(Misfit):
    """Multitaper misfit; where it cannot be measured, that of the cross-correlation."""

    settings: ClassVar[Mapping[str, Check]] = {
        **TAPER_SETTINGS,
        **CROSS_CORRELATION_SETTINGS,
        **{name: number(0.0) for name in _NUMBERS},
        "lnpt": integer(1),
        "ipower_costaper": integer(1),
        "num_taper": integer(1),
        "use_mt_error": boolean,
    }
    # The errors grow as the fit gets worse, so that a line search could prefer a worse model.
    inversion_settings: ClassVar[Mapping[str, Setting]] = {
        "use_cc_error": False,
        "use_mt_error": False,
    }

    def measure(
        self,
        observed: Samples,
        synthetic: Samples,
        windows: Sequence[Window],
        dt: float,
        config: ProcessingConfig,
    ) -> Measurement:
        """Measure a pair by pyadjoint, and derive its misfit."""
        # pyadjoint takes a second to import, which a program that only shows its help need not.
        from headrace.seismic.misfits.multitaper_derivative import measure_multitaper

        refuse_constant(observed, synthetic, windows)
        total = np.zeros(len(synthetic))
        measures = []
        borders = [window.seconds(dt) for window in windows]
        settings = pyadjoint_settings(config)
        for found in measure_multitaper(observed, synthetic, borders, dt, settings):
            total[found.first : found.first + len(found.derivative)] += found.derivative
            measures.append(window_measure(found.statistics, config))
        return Measurement(sum(one.misfit for one in measures), total, tuple(measures))


MISFIT = MultitaperMisfit()
