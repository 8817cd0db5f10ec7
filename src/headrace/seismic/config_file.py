"""Configuration file of the waveform program, ``adjoint_sources.toml``: its keys and reader."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from headrace._internal.settings import (
    Choice,
    Declared,
    Fault,
    FileKind,
    FreeTable,
    Key,
    KeyWording,
    Reading,
    Table,
    TomlDocument,
    table_of,
)
from headrace.seismic.checks import StationWeights, declared
from headrace.seismic.config import (
    WINDOW_SELECTIONS,
    FigureSettings,
    ProcessingConfig,
)
from headrace.seismic.errors import ConfigError
from headrace.seismic.misfits.base import Misfit
from headrace.seismic.misfits.registry import find_misfit, misfit_names
from headrace.seismic.windows.settings import WINDOW_SETTINGS

_DEFAULT_MISFIT: Final = "cc_traveltime"
_STATION_WEIGHTS: Final = StationWeights()

_SELECT: Final = Key("How windows are chosen: by pyflex, or the whole trace is one.")
_WINDOWS: Final = Table(
    {
        "select": Declared("select", _SELECT, Choice(WINDOW_SELECTIONS), WINDOW_SELECTIONS[0]),
        **declared(WINDOW_SETTINGS),
    },
    dict,
    only_given=True,
)


def _measure_table(misfit: Misfit) -> Table[dict[str, Any]]:
    return Table(declared(misfit.settings), dict, only_given=True)


_FROM_CLASS: Final = table_of(ProcessingConfig, adjoint_source=Choice(misfit_names))
PROCESSING: Final[Table[dict[str, Any]]] = Table(
    {
        **_FROM_CLASS.keys,
        "windows": Declared("windows", Key("Settings of pyflex by their names."), _WINDOWS, {}),
        "measure": Declared(
            "measure", Key("Settings of the measurement, by the misfit."), FreeTable(), {}
        ),
        "figures": Declared(
            "figures", Key("Figures of traces."), table_of(FigureSettings), FigureSettings()
        ),
    },
    dict,
)
"""The whole file; which keys ``[measure]`` has, depends on ``adjoint_source``."""


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
    config = _parse(read_toml(path))
    if not config.weights.file:
        return config
    listed = read_station_weights(path.parent / config.weights.file)
    # What the configuration says itself counts more than the file.
    stations = {**listed, **config.weights.stations}
    return dataclasses.replace(
        config, weights=dataclasses.replace(config.weights, stations=stations)
    )


def read_toml(path: Path) -> TomlDocument:
    """Read a configuration as TOML.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    return TomlDocument.read_or_raise(path, ConfigError)


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
            found |= _STATION_WEIGHTS({code: float(value)})
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
    return _parse(TomlDocument(source, document))


def config_faults(document: TomlDocument) -> list[Fault]:
    """Return all that is wrong with a configuration."""
    reading = Reading(document, KeyWording())
    _read(reading)
    return reading.faults


def config_problems(path: Path) -> list[str]:
    """Return all that is wrong with a configuration file, one line each."""
    try:
        faults = config_faults(read_toml(path))
        if not faults:
            read_config(path)
    except ConfigError as error:
        return [str(error)]
    return [fault.message for fault in faults]


def _parse(document: TomlDocument) -> ProcessingConfig:
    reading = Reading(document, KeyWording())
    values = _read(reading)
    reading.raise_first(ConfigError)
    windows = dict(values.pop("windows"))
    figures = values.pop("figures")
    return ProcessingConfig(
        **values,
        window_selection=windows.pop("select", WINDOW_SELECTIONS[0]),
        windows=windows,
        figure_sample=figures.sample,
        figure_dpi=figures.dpi,
    )


def _read(reading: Reading) -> dict[str, Any]:
    """Return the values of the keys that have no fault, and report the others."""
    document, top = reading.document.values, reading.top
    values = PROCESSING.read_values(document, top)
    windows = values.get("windows") or {}
    uses_full_trace = windows.get("select") == "whole"
    if uses_full_trace and (others := sorted(set(windows) - {"select"})):
        top.child("windows").child(others[0]).report(
            f'key windows.{others[0]} means nothing with select = "whole"'
        )
    if "adjoint_source" not in values:
        return values
    kind = values["adjoint_source"]
    misfit = find_misfit(kind)
    if values.get("normalize_observed") and misfit.compares_amplitudes:
        top.child("normalize_observed").report(
            f"key normalize_observed does not go with adjoint_source = "
            f'"{kind}", which compares amplitudes; remove the response instead'
        )
    if "measure" in values:
        measure = _measure_table(misfit).read(values["measure"], top.child("measure"))
        if uses_full_trace and "taper_percentage" in misfit.settings:
            # The ends of the record are tapered already.
            measure = {"taper_percentage": 0.0, **(measure or {})}
        values["measure"] = measure
    return values


def processing_schema() -> dict[str, Any]:
    """Return the JSON schema of the file, with the keys of ``[measure]`` of each misfit."""
    found = PROCESSING.schema()
    for name, table in _measure_tables().items():
        condition: dict[str, Any] = {"properties": {"adjoint_source": {"const": name}}}
        if name != _DEFAULT_MISFIT:
            condition["required"] = ["adjoint_source"]
        rule = {"if": condition, "then": {"properties": {"measure": table.schema()}}}
        found.setdefault("allOf", []).append(rule)
    return found


def _measure_tables() -> dict[str, Table[dict[str, Any]]]:
    """Return the table ``[measure]`` of each misfit that can be used here."""
    found = {}
    for name in misfit_names():
        try:
            found[name] = _measure_table(find_misfit(name))
        except ConfigError:
            continue  # what it needs is not installed
    return found


ADJOINT_SOURCES_TOML: Final = FileKind(
    name="adjoint_sources.toml",
    description="How seismograms become adjoint sources.",
    table=PROCESSING,
    patterns=("job_scripts/adjoint_sources.toml",),
    problems=config_problems,
    schema=processing_schema,
    parts=lambda: {
        f'[measure], adjoint_source = "{name}"': table for name, table in _measure_tables().items()
    },
)
"""The kind of file."""
