"""The configuration of the waveform program: a TOML file, checked key by key."""

from __future__ import annotations

import dataclasses
import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.seismic.checks import (
    Check,
    boolean,
    check_keys,
    components,
    integer,
    number,
    one_of,
    origin_time,
    period_band,
    station_weights,
    text,
)
from headrace.seismic.errors import ConfigError
from headrace.seismic.waveforms.quantities import QUANTITIES

ADJOINT_SOURCE_TYPES = (
    "cc_traveltime",
    "cc_traveltime_subsample",
    "waveform",
    "exponentiated_phase",
    "multitaper",
)
"""The misfit functions that the program knows."""

WINDOW_SELECTIONS = ("pyflex", "whole")
"""How windows are found: by pyflex, or the whole trace is one."""

WINDOW_WEIGHTS = ("equal", "cc", "length")
"""What a window weighs: one, its correlation, or that times its length in shortest periods."""

TAPER_TYPES = ("cos", "cos_p10", "hann", "hamming")

Setting = float | int | bool | str


@dataclass(frozen=True)
class WeightSettings:
    """What the windows of an event weigh in its misfit.

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
        """Whether anything may weigh something other than 1."""
        return self != WeightSettings()


@dataclass(frozen=True)
class ProcessingConfig:
    """How seismograms become adjoint sources.

    Attributes:
        period_band: shortest and longest period of the band-pass, s.
        components: last letters of the channel codes to measure, e.g. ``("Y",)``.
        adjoint_source: one of `ADJOINT_SOURCE_TYPES`.
        taper: share of the record tapered at each end before and after the filter, 0 to 0.5.
        corners: order of the Butterworth band-pass; doubled by ``zero_phase``.
        zero_phase: filter forwards and backwards.
        resample: bring observed traces onto the synthetic's time axis instead of refusing them.
        origin_time: time zero of the synthetics, UTC, where neither files beside the
            seismograms nor their headers tell it.
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


_TOP: dict[str, Check] = {
    "period_band": period_band,
    "components": components,
    "adjoint_source": one_of(*ADJOINT_SOURCE_TYPES),
    "taper": number(0.0, 0.5),
    "corners": integer(1),
    "zero_phase": boolean,
    "resample": boolean,
    "origin_time": origin_time,
    "exact_adjoint": boolean,
    "observed_quantity": one_of(*QUANTITIES),
    "synthetic_quantity": one_of(*QUANTITIES),
    "amplitude_ratio_limit": number(1.0),
    "normalize_observed": boolean,
}

_WEIGHTS: dict[str, Check] = {
    "windows": one_of(*WINDOW_WEIGHTS),
    "stations": station_weights,
    "file": text,
    "azimuth_bins": integer(1),
}

_FIGURES: dict[str, Check] = {"sample": integer(1), "dpi": integer(1)}

WINDOW_SETTINGS: dict[str, Check] = {
    **{
        name: number()
        for name in [
            "stalta_waterlevel",
            "tshift_acceptance_level",
            "tshift_reference",
            "dlna_acceptance_level",
            "dlna_reference",
            "cc_acceptance_level",
            "s2n_limit",
            "min_surface_wave_velocity",
            "max_time_before_first_arrival",
            "c_0",
            "c_1",
            "c_2",
            "c_3a",
            "c_3b",
            "c_4a",
            "c_4b",
            "snr_integrate_base",
            "snr_max_base",
        ]
    },
    "noise_start_index": integer(),
    "noise_end_index": integer(),
    "signal_start_index": integer(),
    "signal_end_index": integer(),
    "check_global_data_quality": boolean,
    "earth_model": one_of("ak135", "iasp91"),
    "window_signal_to_noise_type": one_of("amplitude", "energy"),
    "resolution_strategy": one_of("interval_scheduling", "merge"),
}
"""pyflex's settings that a file can hold, each with its check."""

_WINDOWS = {"select": one_of(*WINDOW_SELECTIONS), **WINDOW_SETTINGS}

_TAPERS: dict[str, Check] = {
    "taper_type": one_of(*TAPER_TYPES),
    "taper_percentage": number(0.0, 1.0),
}
_CROSS_CORRELATION: dict[str, Check] = {
    "measure_type": one_of("dt", "am"),
    "use_cc_error": boolean,
    "dt_sigma_min": number(0.0),
    "dlna_sigma_min": number(0.0),
}
MEASURE_SETTINGS: dict[str, dict[str, Check]] = {
    "waveform": _TAPERS,
    "cc_traveltime_subsample": _TAPERS,
    "cc_traveltime": {**_TAPERS, **_CROSS_CORRELATION},
    "exponentiated_phase": {**_TAPERS, "wtr_env": number(0.0)},
    "multitaper": {
        **_TAPERS,
        **_CROSS_CORRELATION,
        **{
            name: number(0.0)
            for name in [
                "transfunc_waterlevel",
                "water_threshold",
                "min_cycle_in_window",
                "mt_nw",
                "phase_step",
                "dt_fac",
                "err_fac",
                "dt_max_scale",
            ]
        },
        "lnpt": integer(1),
        "ipower_costaper": integer(1),
        "num_taper": integer(1),
        "use_mt_error": boolean,
    },
}
"""pyadjoint's settings of each adjoint source type, each with its check."""


def read_config(path: Path) -> ProcessingConfig:
    """Read and check a configuration file.

    Args:
        path: a TOML file; ``period_band`` and ``components`` must be in it.

    Returns:
        The configuration, with defaults where the file says nothing, and with the weights of
        ``weights.file``, whose path is relative to the configuration.

    Raises:
        ConfigError: a file is not there or cannot be used, or there is an unknown or wrong key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    config = parse_config(document, str(path))
    if not config.weights.file:
        return config
    listed = read_station_weights(path.parent / config.weights.file)
    # What the configuration says itself counts more than the file.
    stations = {**listed, **config.weights.stations}
    return dataclasses.replace(
        config, weights=dataclasses.replace(config.weights, stations=stations)
    )


def read_station_weights(path: Path) -> dict[str, float]:
    """Read weights of stations.

    Args:
        path: one station a line, ``NET.STA`` and its weight; what follows a ``#`` is a comment.

    Returns:
        The weights.

    Raises:
        ConfigError: the file cannot be read, or a line is not that; the message names it.
    """
    found: dict[str, float] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"{path}: cannot read the weights of stations: {reason}") from None
    for place, line in enumerate(lines, start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            code, value = words
            found |= station_weights({code: float(value)})
        except ValueError:
            raise ConfigError(
                f"{path}: line {place}: must be NET.STA and a weight of at least 0, not {line!r}"
            ) from None
    return found


def parse_config(document: Mapping[str, Any], source: str = "config") -> ProcessingConfig:
    """Check a configuration that was already read.

    Args:
        document: the keys as in the file.
        source: what error messages call it, usually the file's name.

    Returns:
        The configuration.

    Raises:
        ConfigError: an unknown, missing or wrong key; the message is one line.
    """
    tables = ("windows", "measure", "weights", "figures")
    top = {key: value for key, value in document.items() if key not in tables}
    values = check_keys(top, _TOP, "", source, also=tables)
    for key in ("period_band", "components"):
        if key not in values:
            raise ConfigError(f"{source}: key {key} is missing")
    kind = values.get("adjoint_source", "cc_traveltime")
    if values.get("normalize_observed") and kind == "waveform":
        raise ConfigError(
            f"{source}: key normalize_observed does not go with adjoint_source = "
            '"waveform", which compares amplitudes; remove the response instead'
        )
    figures = _table(document, "figures", _FIGURES, source)
    windows = _table(document, "windows", _WINDOWS, source)
    selection = windows.pop("select", "pyflex")
    if selection == "whole" and windows:
        raise ConfigError(
            f'{source}: key windows.{min(windows)} means nothing with select = "whole"'
        )
    measure = _table(document, "measure", MEASURE_SETTINGS[kind], source)
    if selection == "whole":
        # The ends of the record are tapered already.
        measure = {"taper_percentage": 0.0, **measure}
    return ProcessingConfig(
        **values,
        window_selection=selection,
        windows=windows,
        measure=measure,
        weights=WeightSettings(**_table(document, "weights", _WEIGHTS, source)),
        **{f"figure_{name}": value for name, value in figures.items()},
    )


def _table(
    document: Mapping[str, Any], name: str, checks: Mapping[str, Check], source: str
) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{source}: key {name} must be a table, [{name}]")
    return check_keys(table, checks, f"{name}.", source)
