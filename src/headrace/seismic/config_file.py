"""Configuration file of the waveform program: TOML, checked key by key."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
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
from headrace.seismic.config import (
    WINDOW_SELECTIONS,
    WINDOW_WEIGHTS,
    ProcessingConfig,
    WeightSettings,
)
from headrace.seismic.errors import ConfigError
from headrace.seismic.misfits.registry import find_misfit, misfit_name
from headrace.seismic.waveforms.quantities import QUANTITIES

_TOP: dict[str, Check] = {
    "period_band": period_band,
    "components": components,
    "adjoint_source": misfit_name,
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
    for row, line in enumerate(lines, start=1):
        columns = line.split("#")[0].split()
        if not columns:
            continue
        try:
            code, value = columns
            found |= station_weights({code: float(value)})
        except ValueError:
            raise ConfigError(
                f"{path}: line {row}: must be NET.STA and a weight of at least 0, not {line!r}"
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
    misfit = find_misfit(kind)
    if values.get("normalize_observed") and misfit.compares_amplitudes:
        raise ConfigError(
            f"{source}: key normalize_observed does not go with adjoint_source = "
            f'"{kind}", which compares amplitudes; remove the response instead'
        )
    figures = _table(document, "figures", _FIGURES, source)
    windows = _table(document, "windows", _WINDOWS, source)
    selection = windows.pop("select", "pyflex")
    if selection == "whole" and windows:
        raise ConfigError(
            f'{source}: key windows.{min(windows)} means nothing with select = "whole"'
        )
    measure = _table(document, "measure", misfit.settings, source)
    if selection == "whole" and "taper_percentage" in misfit.settings:
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
