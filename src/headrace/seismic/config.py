"""Settings of the waveform program."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from headrace._internal.settings import Choice, Integer, Key, Text
from headrace.seismic.checks import (
    Components,
    PeriodBand,
    StationWeights,
    UtcTime,
    number,
    one_of,
)
from headrace.seismic.waveforms.quantities import QUANTITIES

WINDOW_SELECTIONS = ("pyflex", "whole")
"""Methods of window selection: by pyflex, or the whole trace is one."""

WINDOW_WEIGHTS = ("equal", "cc", "length")
"""Weights of a window: one, its correlation, or that times its length in shortest periods."""

Setting = float | int | bool | str


@dataclass(frozen=True)
class WeightSettings:
    """Weights of an event's windows in its misfit: the table ``[weights]``.

    Attributes:
        windows: one of `WINDOW_WEIGHTS`.
        stations: weights of stations ``NET.STA``; the others weigh 1.
        file: two columns, ``NET.STA`` and weight; `read_config` puts them into ``stations``.
        azimuth_bins: sectors about the source; stations that share one share its weight. 0: no.
    """

    windows: Annotated[
        str,
        Key(
            "Weight of a window: equal; cc, its correlation; length, that times its length in "
            "shortest periods.",
            Choice(WINDOW_WEIGHTS),
        ),
    ] = "equal"
    stations: Annotated[
        Mapping[str, float],
        Key(
            "Weights of stations; the others weigh 1.",
            StationWeights(),
            example='stations = { "HR.S01" = 0.5 }',
        ),
    ] = field(default_factory=dict)
    file: Annotated[
        str,
        Key(
            "File with two columns, NET.STA and weight; relative to the configuration.",
            Text(empty=False),
        ),
    ] = ""
    azimuth_bins: Annotated[
        int,
        Key(
            "Sectors about the source; each that has stations counts the same.",
            Integer(1),
            default="none",
        ),
    ] = 0

    @property
    def used(self) -> bool:
        """True if anything may weigh something other than 1."""
        return self != WeightSettings()


@dataclass(frozen=True)
class FigureSettings:
    """The table ``[figures]``.

    Attributes:
        sample: how many traces ``--figures sample`` draws.
        dpi: resolution of the figures, dots per inch.
    """

    sample: Annotated[int, Key("Traces that --figures sample draws.", minimum=1)] = 8
    dpi: Annotated[int, Key("Resolution of the figures.", minimum=1, unit="dots per inch")] = 100


@dataclass(frozen=True)
class ProcessingConfig:
    """Settings of the processing of seismograms into adjoint sources.

    Those that are no keys of the file's top are made of its tables.

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

    period_band: Annotated[
        tuple[float, float],
        Key(
            "Shortest and longest period of the band-pass.",
            PeriodBand(),
            "s",
            example="period_band = [10.0, 100.0]",
        ),
    ]
    components: Annotated[
        tuple[str, ...],
        Key(
            "Last letters of the channel codes to measure.",
            Components(),
            example='components = ["X", "Z"]',
        ),
    ]
    adjoint_source: Annotated[str, Key("Misfit and adjoint source.")] = "cc_traveltime"
    taper: Annotated[
        float,
        Key("Share of the record tapered at each end, before and after filtering.", number(0, 0.5)),
    ] = 0.05
    corners: Annotated[
        int, Key("Order of the Butterworth band-pass; doubled by zero_phase.", minimum=1)
    ] = 2
    zero_phase: Annotated[bool, Key("Whether it filters forwards and backwards.")] = True
    resample: Annotated[
        bool,
        Key("Whether observed traces are brought onto the synthetics' times, or refused."),
    ] = False
    origin_time: Annotated[
        datetime.datetime | None,
        Key(
            "Time zero of the synthetics, where neither the event's files nor the traces state it.",
            UtcTime(),
        ),
    ] = None
    exact_adjoint: Annotated[
        bool,
        Key("Whether adjoint sources go through filter and tapers, as an inversion needs them."),
    ] = False
    observed_quantity: Annotated[
        str | None,
        Key("What recorded traces are.", one_of(*QUANTITIES), default="as suffix or header says"),
    ] = None
    synthetic_quantity: Annotated[
        str | None,
        Key("What synthetics are.", one_of(*QUANTITIES), default="as suffix or header says"),
    ] = None
    amplitude_ratio_limit: Annotated[
        float,
        Key("Pairs whose amplitudes in the period band differ by more are a problem.", number(1.0)),
    ] = 30.0
    normalize_observed: Annotated[
        bool,
        Key("Whether each record gets the size of its synthetic; for travel times alone."),
    ] = False
    window_selection: str = "pyflex"
    windows: Mapping[str, Setting] = field(default_factory=dict)
    measure: Mapping[str, Setting] = field(default_factory=dict)
    weights: Annotated[WeightSettings, Key("Weights of windows, stations and azimuths.")] = (
        WeightSettings()
    )
    figure_sample: int = FigureSettings.sample
    figure_dpi: int = FigureSettings.dpi

    @property
    def min_period(self) -> float:
        """Shortest period of the band, s."""
        return self.period_band[0]

    @property
    def max_period(self) -> float:
        """Longest period of the band, s."""
        return self.period_band[1]
