"""Settings of a solver that are plain values: every fault named, in words of the settings."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any, get_type_hints

from headrace.seismic.errors import SolverError

_KINDS = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a text"}


def check_settings(kind: type[Any], settings: Mapping[str, Any]) -> None:
    """Check names and types of a solver's settings, before it is made of them.

    Args:
        kind: dataclass of the settings; its fields are bool, int, float or str.
        settings: JSON or TOML values.

    Raises:
        SolverError: some are unknown, missing or of the wrong type; all of these are named.
    """
    types = get_type_hints(kind)
    fields = {item.name: item for item in dataclasses.fields(kind)}
    problems = [f"solver.{name}: no such setting" for name in settings if name not in fields]
    if problems:
        problems[-1] += f"; there are {', '.join(fields)}"
    problems += [
        f"solver.{name}: this setting is missing"
        for name, item in fields.items()
        if item.default is dataclasses.MISSING and name not in settings
    ]
    problems += [
        f"solver.{name}: must be {_KINDS[types[name]]}, not {value!r}"
        for name, value in settings.items()
        if name in fields and not _is(value, types[name])
    ]
    if problems:
        raise SolverError("; ".join(problems))


def _is(value: object, kind: type) -> bool:
    # Whoever writes `2` for 2.0 means it; a bool is an int for Python only.
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        # A whole number of any size may be written; a float holds no larger one.
        return isinstance(value, int | float) and abs(value) <= sys.float_info.max
    return isinstance(value, kind)
