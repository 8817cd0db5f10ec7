"""Settings of a solver that are plain values: every fault named, in words of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, get_type_hints

from headrace._internal.settings import (
    Boolean,
    Integer,
    InvalidValue,
    Kind,
    Number,
    Table,
    Text,
    table_of,
)
from headrace.seismic.errors import SolverError

FINITE: Final = Number(expected="a finite number")
"""A number of a solver's settings."""

_KINDS: Final[Mapping[type, Kind]] = {
    bool: Boolean(),
    int: Integer(),
    float: FINITE,
    str: Text(expected="a text"),
}


def settings_table(kind: type[Any]) -> Table[Any]:
    """Return the table that a dataclass of a solver's settings declares.

    Args:
        kind: its fields are bool, int, float or str; a `Key` in their annotations describes them.
    """
    types = get_type_hints(kind)
    kinds: dict[str, Any] = {item.name: _KINDS[types[item.name]] for item in fields(kind)}
    return table_of(kind, **kinds)


def check_settings(kind: type[Any], settings: Mapping[str, Any]) -> None:
    """Check names and types of a solver's settings, before it is made of them.

    Args:
        kind: dataclass of the settings; its fields are bool, int, float or str.
        settings: JSON or TOML values.

    Raises:
        SolverError: some are unknown, missing or of the wrong type; all of these are named.
    """
    types = get_type_hints(kind)
    known = {item.name: item for item in fields(kind)}
    problems = [f"solver.{name}: no such setting" for name in settings if name not in known]
    if problems:
        problems[-1] += f"; there are {', '.join(known)}"
    problems += [
        f"solver.{name}: this setting is missing"
        for name, item in known.items()
        if item.default is MISSING and name not in settings
    ]
    for name, value in settings.items():
        if name not in known:
            continue
        try:
            _KINDS[types[name]].parse(value)
        except InvalidValue as expected:
            problems.append(f"solver.{name}: must be {expected}, not {value!r}")
    if problems:
        raise SolverError("; ".join(problems))
