"""Tables of a TOML file, key by key, with errors that name file and key in one line."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.seismic.errors import ConfigError


class Table:
    """One table of a file; every key that is there must be asked for.

    Args:
        values: the table.
        source: the file, as messages call it.
        name: the table's name with a dot at its end; empty at the top.
        known: the keys that may stand in it.

    Raises:
        ConfigError: a key is unknown; the message says which may be meant.
    """

    def __init__(
        self, values: Mapping[str, Any], source: str, name: str, known: Sequence[str]
    ) -> None:
        self._values, self._source, self._name = values, source, name
        for key in values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                advice = f"did you mean {name}{near[0]}?" if near else f"known: {', '.join(known)}"
                raise self.wrong(f"unknown key {name}{key}; {advice}")

    def wrong(self, text: str) -> ConfigError:
        """Return an error about this file."""
        return ConfigError(f"{self._source}: {text}")

    def expected(self, key: str, wanted: str) -> ConfigError:
        """Return an error about the value of a key."""
        if key not in self._values:
            return self.wrong(f"key {self._name}{key} is missing; it must be {wanted}")
        return self.wrong(f"key {self._name}{key} must be {wanted}, not {self._values[key]!r}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty."""
        value = self._values.get(key, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.expected(key, "a text")
        return value

    def texts(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._values.get(key, default)
        good = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
        if value is None or not good:
            raise self.expected(key, 'a list of texts, such as ["one", "two"]')
        return tuple(value)

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """Return one of some texts."""
        value = self._values.get(key, default)
        if value not in allowed:
            raise self.expected(key, f"one of {', '.join(allowed)}")
        return str(value)

    def integer(self, key: str, default: int | None = None, *, minimum: int = 0) -> int:
        """Return a whole number."""
        value = self._values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise self.expected(key, f"a whole number of at least {minimum}")
        return value

    def number(
        self, key: str, default: float | None = None, *, minimum: float = -math.inf
    ) -> float:
        """Return a finite number."""
        value = self._values.get(key, default)
        if not _is_number(value) or value < minimum:
            raise self.expected(
                key, "a number" + (f" of at least {minimum:g}" if minimum > -math.inf else "")
            )
        return float(value)

    def optional(self, key: str, *, minimum: float = -math.inf) -> float | None:
        """Return a finite number, or None where the key is not there."""
        return self.number(key, minimum=minimum) if key in self._values else None

    def pair(self, key: str) -> tuple[float, float]:
        """Two rising numbers."""
        value = self._values.get(key)
        if isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)):
            low, high = float(value[0]), float(value[1])
            if low < high:
                return low, high
        raise self.expected(key, "two rising numbers, such as [1.0, 2.0]")

    def table(self, key: str, known: Sequence[str]) -> Table:
        """Return a table below this one; an empty one where the key is not there."""
        return Table(self.raw(key), self._source, f"{self._name}{key}.", known)

    def tables(self, key: str, known: Sequence[str]) -> list[Table]:
        """Return a list of tables, ``[[key]]``."""
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.expected(key, f"tables, each beginning with [[{self._name}{key}]]")
        return [
            Table(one, self._source, f"{self._name}{key}[{number}].", known)
            for number, one in enumerate(value)
        ]

    def named(self, key: str, known: Sequence[str]) -> dict[str, Table]:
        """Tables with names of the user's own, ``[key.NAME]``."""
        found = {}
        for name, value in self.raw(key).items():
            if not isinstance(value, dict):
                raise self.wrong(f"key {self._name}{key}.{name} must be a table")
            found[name] = Table(value, self._source, f"{self._name}{key}.{name}.", known)
        return found

    def raw(self, key: str) -> dict[str, Any]:
        """Return a table as it is, checked by somebody else."""
        value = self._values.get(key, {})
        if not isinstance(value, dict):
            raise self.expected(key, f"a table, [{self._name}{key}]")
        return dict(value)

    def __contains__(self, key: str) -> bool:
        return key in self._values


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
