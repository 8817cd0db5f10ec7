"""Kinds of values of the keys of configuration files: what each may be, and its words if not."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from typing import Any

from headrace._internal.settings import (
    Boolean,
    Choice,
    Declared,
    Integer,
    InvalidValue,
    Key,
    Kind,
    Number,
    Text,
    as_kind,
)

Check = Callable[[Any], Any]
"""Returns the value to use or raises `InvalidValue`; a `Kind` is one, and a `Key` with a kind."""

boolean = Boolean()
"""A truth value."""

text = Text(empty=False)
"""A text that is not empty."""


def number(low: float = -math.inf, high: float = math.inf) -> Kind:
    """Return a number within limits."""
    return Number(low, high)


def integer(low: int | None = None) -> Kind:
    """Return a whole number."""
    return Integer(low)


def one_of(*names: str) -> Kind:
    """Return one of some words."""
    return Choice(names)


class PeriodBand(Kind):
    """Shortest and longest period, s."""

    expected = "[shortest, longest] period in seconds, two rising positive numbers"

    def parse(self, value: Any) -> tuple[float, float]:
        """Return the two periods."""
        if not isinstance(value, list) or len(value) != 2:
            raise InvalidValue(self.expected)
        try:
            low, high = (number()(period) for period in value)
        except InvalidValue:
            raise InvalidValue(self.expected) from None
        if not 0 < low < high:
            raise InvalidValue(self.expected)
        return low, high

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema; that they rise, it cannot say."""
        period = {"type": "number", "exclusiveMinimum": 0}
        return {"type": "array", "items": period, "minItems": 2, "maxItems": 2}


class Components(Kind):
    """Component letters."""

    expected = 'a list of different component letters such as ["Y"]'

    def parse(self, value: Any) -> tuple[str, ...]:
        """Return the letters."""
        letters = isinstance(value, list) and all(
            isinstance(name, str) and len(name) == 1 and name.isalnum() for name in value
        )
        if not letters or not value or len(set(value)) != len(value):
            raise InvalidValue(self.expected)
        return tuple(value)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema."""
        letter = {"type": "string", "minLength": 1, "maxLength": 1}
        return {"type": "array", "items": letter, "minItems": 1, "uniqueItems": True}


class StationWeights(Kind):
    """Weights of stations by their codes."""

    expected = 'weights of at least 0 by station, such as { "NET.STA" = 0.5 }'

    def parse(self, value: Any) -> dict[str, float]:
        """Return the weights."""
        if not isinstance(value, dict):
            raise InvalidValue(self.expected)
        try:
            found = {name: number(0.0)(weight) for name, weight in value.items()}
        except InvalidValue:
            raise InvalidValue(self.expected) from None
        if any(name.count(".") != 1 for name in found):
            raise InvalidValue(self.expected)
        return found

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema."""
        return {
            "type": "object",
            "propertyNames": {"pattern": r"^[^.]*\.[^.]*$"},
            "additionalProperties": {"type": "number", "minimum": 0},
        }


class UtcTime(Kind):
    """A time, UTC where it names no zone."""

    expected = "a UTC time such as 2020-01-01T00:00:00Z"

    def parse(self, value: Any) -> datetime.datetime:
        """Return the time in UTC."""
        if isinstance(value, str):
            try:
                value = datetime.datetime.fromisoformat(value)
            except ValueError:
                value = None
        if not isinstance(value, datetime.datetime):
            raise InvalidValue(self.expected)
        if value.tzinfo is None:
            return value.replace(tzinfo=datetime.UTC)
        return value.astimezone(datetime.UTC)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema; editors take a TOML time for a text."""
        return {"type": "string", "pattern": r"^\d{4}-?(\d{2}|W\d{2})"}


def declared(checks: Mapping[str, Check]) -> dict[str, Declared]:
    """Return checks as declared keys, none of which must be given.

    Args:
        checks: by key; a `Key` names its description too.
    """
    keys = {name: one if isinstance(one, Key) else Key("") for name, one in checks.items()}
    return {
        name: Declared(name, key, key.kind or as_kind(checks[name]), None)
        for name, key in keys.items()
    }
