"""Settings of the waveform program."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

WINDOW_SELECTIONS = ("pyflex", "whole")
"""Methods of window selection: by pyflex, or the whole trace is one."""

WINDOW_WEIGHTS = ("equal", "cc", "length")
"""Weights of a window: one, its correlation, or that times its length in shortest periods."""

Setting = float | int | bool | str


@dataclass(frozen=True)
class WeightSettings:
    """Weights of an event's windows in its misfit.

    Attributes:
        windows: one of `WINDOW_WEIGHTS`.
        stations: weights of stations ``NET.STA``; the others weigh 1.
        file: two columns, ``NET.STA`` and weight; `read_config` puts them into ``stations``.
        azimuth_bins: sectors about the source; stations that share one share its weight. 0: no.
    """

    windows: str = "equal"
    stations: Mapping[str, float] = field(default_factory=dict)
    file: str = ""
    azimuth_bins: int = 0

    @property
    def used(self) -> bool:
        """True if anything may weigh something other than 1."""
        return self != WeightSettings()


@dataclass(frozen=True)
class ProcessingConfig:
    """Settings of the processing of seismograms into adjoint sources.

    Attributes:
        period_band: shortest and longest period of the band-pass, s.
        components: last letters of the channel codes to measure, e.g. ``("Y",)``.
        adjoint_source: name of a misfit, see `headrace.seismic.misfits`.
        taper: share of the record tapered at each end before and after the filter, 0 to 0.5.
        corners: order of the Butterworth band-pass; doubled by ``zero_phase``.
        zero_phase: filter forwards and backwards.
        resample: bring observed traces onto the synthetic's time axis instead of refusing them.
        origin_time: time zero of the synthetics, UTC, where neither files beside the
            seismograms nor their headers state it.
        exact_adjoint: adjoint sources are the derivative with respect to the synthetic as it was
            read, through filter and tapers; False: with respect to the filtered one.
        observed_quantity: what recorded traces are, one of `QUANTITIES`, for instance after the
            response was removed; None: as suffix, header and instrument code say.
        synthetic_quantity: the same of the synthetics.
        amplitude_ratio_limit: largest ratio of the amplitudes of a pair, either way; beyond it
            they are not of the same unit.
        normalize_observed: give each observed trace the size of its synthetic, for travel times
            of records in raw counts or unknown units.
        window_selection: one of `WINDOW_SELECTIONS`.
        windows: settings of ``pyflex.Config`` by pyflex's own names.
        measure: settings of pyadjoint's configuration of this adjoint source type.
        weights: of windows, stations and azimuths.
        figure_sample: how many traces ``--figures sample`` draws.
        figure_dpi: resolution of the figures, dots per inch.
    """

    period_band: tuple[float, float]
    components: tuple[str, ...]
    adjoint_source: str = "cc_traveltime"
    taper: float = 0.05
    corners: int = 2
    zero_phase: bool = True
    resample: bool = False
    origin_time: datetime.datetime | None = None
    exact_adjoint: bool = False
    observed_quantity: str | None = None
    synthetic_quantity: str | None = None
    amplitude_ratio_limit: float = 30.0
    normalize_observed: bool = False
    window_selection: str = "pyflex"
    windows: Mapping[str, Setting] = field(default_factory=dict)
    measure: Mapping[str, Setting] = field(default_factory=dict)
    weights: WeightSettings = WeightSettings()
    figure_sample: int = 8
    figure_dpi: int = 100

    @property
    def min_period(self) -> float:
        """Shortest period of the band, s."""
        return self.period_band[0]

    @property
    def max_period(self) -> float:
        """Longest period of the band, s."""
        return self.period_band[1]
