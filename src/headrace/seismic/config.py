"""The configuration of the waveform program: a TOML file, checked key by key."""

from __future__ import annotations

import datetime
import difflib
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.seismic.errors import ConfigError

ADJOINT_SOURCE_TYPES = (
    "cc_traveltime",
    "cc_traveltime_subsample",
    "waveform",
    "exponentiated_phase",
    "multitaper",
)
"""The misfit functions that the program knows."""

TAPER_TYPES = ("cos", "cos_p10", "hann", "hamming")

Setting = float | int | bool | str


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
        origin_time: time zero of the synthetics, UTC; needed for traces with absolute times.
        windows: settings of ``pyflex.Config`` by pyflex's own names.
        measure: settings of pyadjoint's configuration of this adjoint source type.
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
    windows: Mapping[str, Setting] = field(default_factory=dict)
    measure: Mapping[str, Setting] = field(default_factory=dict)
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


class _Wrong(ValueError):
    """What a value should have been, e.g. "a number"."""


Check = Callable[[Any], Any]


def _number(low: float = -math.inf, high: float = math.inf) -> Check:
    def check(value: Any) -> float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high or not math.isfinite(value):
            limits = "" if low == -math.inf else f" of at least {low:g}"
            limits = limits if high == math.inf else f" from {low:g} to {high:g}"
            raise _Wrong(f"a number{limits}")
        return float(value)

    return check


def _integer(low: int | None = None) -> Check:
    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or (low and value < low):
            raise _Wrong("a whole number" if low is None else f"a whole number of at least {low}")
        return value

    return check


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("true or false")
    return value


def _one_of(*names: str) -> Check:
    def check(value: Any) -> str:
        if value not in names:
            raise _Wrong("one of " + ", ".join(names))
        return str(value)

    return check


def _period_band(value: Any) -> tuple[float, float]:
    expected = _Wrong("[shortest, longest] period in seconds, two rising positive numbers")
    if not isinstance(value, list) or len(value) != 2:
        raise expected
    try:
        low, high = (_number()(period) for period in value)
    except _Wrong:
        raise expected from None
    if not 0 < low < high:
        raise expected
    return low, high


def _components(value: Any) -> tuple[str, ...]:
    letters = isinstance(value, list) and all(
        isinstance(name, str) and len(name) == 1 and name.isalnum() for name in value
    )
    if not letters or not value or len(set(value)) != len(value):
        raise _Wrong('a list of different component letters such as ["Y"]')
    return tuple(value)


def _origin_time(value: Any) -> datetime.datetime:
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime.datetime):
        raise _Wrong("a UTC time such as 2020-01-01T00:00:00Z")
    if value.tzinfo is None:
        return value.replace(tzinfo=datetime.UTC)
    return value.astimezone(datetime.UTC)


_TOP: dict[str, Check] = {
    "period_band": _period_band,
    "components": _components,
    "adjoint_source": _one_of(*ADJOINT_SOURCE_TYPES),
    "taper": _number(0.0, 0.5),
    "corners": _integer(1),
    "zero_phase": _boolean,
    "resample": _boolean,
    "origin_time": _origin_time,
}

_FIGURES: dict[str, Check] = {"sample": _integer(1), "dpi": _integer(1)}

WINDOW_SETTINGS: dict[str, Check] = {
    **{
        name: _number()
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
    "noise_start_index": _integer(),
    "noise_end_index": _integer(),
    "signal_start_index": _integer(),
    "signal_end_index": _integer(),
    "check_global_data_quality": _boolean,
    "earth_model": _one_of("ak135", "iasp91"),
    "window_signal_to_noise_type": _one_of("amplitude", "energy"),
    "resolution_strategy": _one_of("interval_scheduling", "merge"),
}
"""pyflex's settings that a file can hold, each with its check."""

_TAPERS: dict[str, Check] = {
    "taper_type": _one_of(*TAPER_TYPES),
    "taper_percentage": _number(0.0, 1.0),
}
_CROSS_CORRELATION: dict[str, Check] = {
    "measure_type": _one_of("dt", "am"),
    "use_cc_error": _boolean,
    "dt_sigma_min": _number(0.0),
    "dlna_sigma_min": _number(0.0),
}
MEASURE_SETTINGS: dict[str, dict[str, Check]] = {
    "waveform": _TAPERS,
    "cc_traveltime_subsample": _TAPERS,
    "cc_traveltime": {**_TAPERS, **_CROSS_CORRELATION},
    "exponentiated_phase": {**_TAPERS, "wtr_env": _number(0.0)},
    "multitaper": {
        **_TAPERS,
        **_CROSS_CORRELATION,
        **{
            name: _number(0.0)
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
        "lnpt": _integer(1),
        "ipower_costaper": _integer(1),
        "num_taper": _integer(1),
        "use_mt_error": _boolean,
    },
}
"""pyadjoint's settings of each adjoint source type, each with its check."""


def read_config(path: Path) -> ProcessingConfig:
    """Read and check a configuration file.

    Args:
        path: a TOML file; ``period_band`` and ``components`` must be in it.

    Returns:
        The configuration, with defaults where the file says nothing.

    Raises:
        ConfigError: the file is not there, is no TOML, or has an unknown or wrong key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return parse_config(document, str(path))


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
    tables = ("windows", "measure", "figures")
    top = {key: value for key, value in document.items() if key not in tables}
    values = _check(top, _TOP, "", source, also=tables)
    for key in ("period_band", "components"):
        if key not in values:
            raise ConfigError(f"{source}: key {key} is missing")
    kind = values.get("adjoint_source", "cc_traveltime")
    figures = _table(document, "figures", _FIGURES, source)
    return ProcessingConfig(
        **values,
        windows=_table(document, "windows", WINDOW_SETTINGS, source),
        measure=_table(document, "measure", MEASURE_SETTINGS[kind], source),
        **{f"figure_{name}": value for name, value in figures.items()},
    )


def _table(
    document: Mapping[str, Any], name: str, checks: Mapping[str, Check], source: str
) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{source}: key {name} must be a table, [{name}]")
    return _check(table, checks, f"{name}.", source)


def _check(
    values: Mapping[str, Any],
    checks: Mapping[str, Check],
    prefix: str,
    source: str,
    also: tuple[str, ...] = (),
) -> dict[str, Any]:
    checked = {}
    for key, value in values.items():
        if key not in checks:
            known = [*checks, *also]
            near = difflib.get_close_matches(key, known, n=1)
            advice = f"did you mean {prefix}{near[0]}?" if near else "known: " + ", ".join(known)
            raise ConfigError(f"{source}: unknown key {prefix}{key}; {advice}")
        try:
            checked[key] = checks[key](value)
        except _Wrong as expected:
            raise ConfigError(
                f"{source}: key {prefix}{key} must be {expected}, not {value!r}"
            ) from None
    return checked
