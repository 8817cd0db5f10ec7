"""Checks of the keys of a configuration file: what each may be, and what is said if it is not."""

from __future__ import annotations

import datetime
import difflib
import math
from collections.abc import Callable, Mapping
from typing import Any

from headrace.seismic.errors import ConfigError


class InvalidValue(ValueError):
    """Invalid value; the message is what it should have been, e.g. "a number"."""


Check = Callable[[Any], Any]


def number(low: float = -math.inf, high: float = math.inf) -> Check:
    """Return a number within limits."""

    def check(value: Any) -> float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high or not math.isfinite(value):
            limits = "" if low == -math.inf else f" of at least {low:g}"
            limits = limits if high == math.inf else f" from {low:g} to {high:g}"
            raise InvalidValue(f"a number{limits}")
        return float(value)

    return check


def integer(low: int | None = None) -> Check:
    """Return a whole number."""

    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or (low and value < low):
            raise InvalidValue(
                "a whole number" if low is None else f"a whole number of at least {low}"
            )
        return value

    return check


def boolean(value: Any) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise InvalidValue("true or false")
    return value


def one_of(*names: str) -> Check:
    """Return one of some words."""

    def check(value: Any) -> str:
        if value not in names:
            raise InvalidValue("one of " + ", ".join(names))
        return str(value)

    return check


def period_band(value: Any) -> tuple[float, float]:
    """Shortest and longest period, s."""
    expected = InvalidValue("[shortest, longest] period in seconds, two rising positive numbers")
    if not isinstance(value, list) or len(value) != 2:
        raise expected
    try:
        low, high = (number()(period) for period in value)
    except InvalidValue:
        raise expected from None
    if not 0 < low < high:
        raise expected
    return low, high


def components(value: Any) -> tuple[str, ...]:
    """Component letters."""
    letters = isinstance(value, list) and all(
        isinstance(name, str) and len(name) == 1 and name.isalnum() for name in value
    )
    if not letters or not value or len(set(value)) != len(value):
        raise InvalidValue('a list of different component letters such as ["Y"]')
    return tuple(value)


def text(value: Any) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidValue("a text that is not empty")
    return value


def station_weights(value: Any) -> dict[str, float]:
    """Weights of stations by their codes."""
    expected = InvalidValue('weights of at least 0 by station, such as { "NET.STA" = 0.5 }')
    if not isinstance(value, dict):
        raise expected
    try:
        found = {name: number(0.0)(weight) for name, weight in value.items()}
    except InvalidValue:
        raise expected from None
    if any(name.count(".") != 1 for name in found):
        raise expected
    return found


def origin_time(value: Any) -> datetime.datetime:
    """Return a time, UTC."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime.datetime):
        raise InvalidValue("a UTC time such as 2020-01-01T00:00:00Z")
    if value.tzinfo is None:
        return value.replace(tzinfo=datetime.UTC)
    return value.astimezone(datetime.UTC)


def check_keys(
    values: Mapping[str, Any],
    checks: Mapping[str, Check],
    prefix: str,
    source: str,
    also: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Check the keys of a table.

    Args:
        values: the table.
        checks: what each key may be.
        prefix: what stands before a key in messages, e.g. ``windows.``.
        source: the file's name in messages.
        also: keys that are checked elsewhere, for the advice about an unknown one.

    Returns:
        The checked values.

    Raises:
        ConfigError: an unknown or wrong key.
    """
    checked = {}
    for key, value in values.items():
        if key not in checks:
            known = [*checks, *also]
            near = difflib.get_close_matches(key, known, n=1)
            advice = f"did you mean {prefix}{near[0]}?" if near else "known: " + ", ".join(known)
            raise ConfigError(f"{source}: unknown key {prefix}{key}; {advice}")
        try:
            checked[key] = checks[key](value)
        except InvalidValue as expected:
            raise ConfigError(
                f"{source}: key {prefix}{key} must be {expected}, not {value!r}"
            ) from None
    return checked
