"""Multitaper travel time or amplitude at each frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from headrace._internal.settings import Key
from headrace.seismic.checks import Check, boolean, integer, number
from headrace.seismic.config import ProcessingConfig, Setting
from headrace.seismic.misfits.base import Measurement, Misfit
from headrace.seismic.misfits.cross_correlation import CROSS_CORRELATION_SETTINGS, refuse_constant
from headrace.seismic.misfits.pyadjoint_measure import pyadjoint_settings, window_measure
from headrace.seismic.misfits.tapers import TAPER_SETTINGS
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window

_OWN_SETTINGS: Mapping[str, Check] = {
    "transfunc_waterlevel": Key(
        "Water level of the transfer function.", number(0.0), default="1e-10"
    ),
    "water_threshold": Key(
        "Water level, as a share of the largest spectral amplitude, that ends the search for the "
        "highest usable frequency.",
        number(0.0),
        default="0.02",
    ),
    "min_cycle_in_window": Key(
        "Cycles of the longest period that is measured, in a window.",
        number(0.0),
        default="0.5",
    ),
    "mt_nw": Key("Time-bandwidth product of the tapers.", number(0.0), default="4.0"),
    "phase_step": Key(
        "Largest step of the phase before it is taken for a skipped cycle.",
        number(0.0),
        default="1.5",
    ),
    "dt_fac": Key(
        "A travel time above a period divided by this is not trusted.",
        number(0.0),
        default="2.0",
    ),
    "err_fac": Key(
        "An error above a period divided by this is not trusted.",
        number(0.0),
        default="2.5",
    ),
    "dt_max_scale": Key(
        "Largest travel time, in multiples of the cross-correlation's.",
        number(0.0),
        default="3.5",
    ),
    "lnpt": Key("Samples of the Fourier transform, as power of 2.", integer(1), default="15"),
    "ipower_costaper": Key(
        "Order of the cosine taper in frequency; higher is steeper.", integer(1), default="10"
    ),
    "num_taper": Key("Number of tapers.", integer(1), default="5"),
    "use_mt_error": Key(
        "Whether the measurement is divided by the multitaper error.", boolean, default="false"
    ),
}
"""pyadjoint's settings of the multitaper measurement itself."""


class MultitaperMisfit(Misfit):
    """Multitaper misfit; where it cannot be measured, that of the cross-correlation."""

    settings: ClassVar[Mapping[str, Check]] = {
        **TAPER_SETTINGS,
        **CROSS_CORRELATION_SETTINGS,
        **_OWN_SETTINGS,
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
