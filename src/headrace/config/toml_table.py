"""TOML files that people write, read with messages that name file, line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from headrace._internal.near_names import did_you_mean, known_names
from headrace.config.errors import ProjectError
from headrace.config.text_files import read_text

_WORDS: Mapping[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


class TomlFile:
    """A TOML file and its text.

    Args:
        path: the file.

    Raises:
        ProjectError: it cannot be read, or is not TOML.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = read_text(path)
        try:
            self._data = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
            last = self._text.count("\n", 0, len(self._text.rstrip())) + 1
            where = f"{path}:{found[1]}:{found[2]}" if found else f"{path}:{last}"
            what = re.sub(r" \(at .*\)$", "", str(error))
            raise ProjectError(f"{where}: not TOML: {what}") from error

        self._profile = ""

    @property
    def top(self) -> Table:
        """The file's top table; with a profile, what it says in the place of the rest."""
        if not self._profile:
            return Table(self, (), self._data)
        return Table(self, (), _merged(self._data, self._data["profiles"][self._profile]))

    def use_profile(self, name: str, *, must_exist: bool) -> str:
        """Let what ``[profiles.NAME]`` says stand in the place of the rest.

        Args:
            name: the profile.
            must_exist: whether it is an error that there is none.

        Returns:
            The name, or nothing where there is none.

        Raises:
            ProjectError: there is none; the message lists those that are known.
        """
        profiles = Table(self, (), self._data).table("profiles")
        known = profiles.tables_here()
        if name in known:
            self._profile = name
            return name
        if must_exist:
            words = known_names(name, known)
            raise ProjectError(f"{self.path}: no [profiles.{name}] in it; {words}")
        return ""

    def error(self, key: tuple[str, ...], message: str) -> ProjectError:
        """Make an error about a key, with the line where it stands."""
        return ProjectError(f"{self.path}:{self.line_of(key)}: {'.'.join(key)}: {message}")

    def line_of(self, key: tuple[str, ...]) -> int:
        """Return the line where a key stands, or its nearest table, counted from 1."""
        if self._profile and _holds(self._data["profiles"][self._profile], key):
            key = ("profiles", self._profile, *key)
        best, best_depth = 1, 0
        table: tuple[str, ...] = ()
        for number, line in enumerate(self._text.splitlines(), start=1):
            if header := re.match(r"\s*\[+\s*([^\[\]]+?)\s*\]+", line):
                table = _split(header[1])
                here = table
            elif assignment := re.match(r"\s*([A-Za-z0-9_.\"'-]+?)\s*=", line):
                here = table + _split(assignment[1])
            else:
                continue
            if len(here) > best_depth and here == key[: len(here)]:
                best, best_depth = number, len(here)
        return best


class Table:
    """One table of a file, whose values are asked for by key and type.

    Args:
        file: the file it is in.
        key: its full key.
        data: its values.
    """

    def __init__(self, file: TomlFile, key: tuple[str, ...], data: Mapping[str, Any]) -> None:
        self._file = file
        self._key = key
        self.data = data

    def allow_only(self, allowed: Iterable[str]) -> None:
        """Check that no other than the allowed keys are there.

        Raises:
            ProjectError: a key is unknown; the message lists those that are known.
        """
        known = sorted(allowed)
        for name in self.data:
            if name not in known:
                near = did_you_mean(name, known)
                words = f"{near} known here" if near else "known here"
                raise self.error(name, f"unknown key; {words}: {', '.join(known)}")

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text.

        Raises:
            ProjectError: of another type, or missing without a default.
        """
        return str(self._value(name, str, default))

    def optional_text(self, name: str) -> str | None:
        """Return a text or None.

        Raises:
            ProjectError: of another type.
        """
        return self.text(name) if name in self.data else None

    def flag(self, name: str, default: bool) -> bool:
        """Return true or false.

        Raises:
            ProjectError: of another type.
        """
        return bool(self._value(name, bool, default))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, empty when missing.

        Raises:
            ProjectError: of another type.
        """
        values = self._value(name, list, [])
        for value in values:
            if not isinstance(value, str):
                raise self.error(name, f"expected a list of text, found {value!r} in it")
        return tuple(values)

    def table(self, name: str) -> Table:
        """Return a table below this one, empty when missing.

        Raises:
            ProjectError: of another type.
        """
        return Table(self._file, (*self._key, name), self._value(name, dict, {}))

    def tables(self, name: str) -> dict[str, Table]:
        """Return the tables in a table of tables, by name.

        Raises:
            ProjectError: of another type.
        """
        return self.table(name).tables_here()

    def tables_here(self) -> dict[str, Table]:
        """Return the tables in this one, by name.

        Raises:
            ProjectError: something else is in it.
        """
        return {child: self.table(child) for child in self.data}

    def _value(self, name: str, kind: type, default: Any) -> Any:
        if name not in self.data:
            if default is None:
                raise self.error(name, f"missing; expected {_WORDS[kind]}")
            return default
        value = self.data[name]
        if type(value) is not kind:
            raise self.error(name, f"expected {_WORDS[kind]}, found {value!r}")
        return value

    def error(self, name: str, message: str) -> ProjectError:
        """Make an error about one of the table's keys."""
        return self._file.error((*self._key, name), message)

    def overridden(self, values: Mapping[str, Any]) -> Table:
        """Return the table with values in the place of the file's."""
        return Table(self._file, self._key, {**self.data, **values})


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of two tables; those above win, tables are merged in their turn."""
    found = dict(below)
    for name, value in above.items():
        known = found.get(name)
        both = isinstance(value, dict) and isinstance(known, dict)
        found[name] = _merged(known, value) if both and isinstance(known, dict) else value
    return found


def _holds(data: Any, key: tuple[str, ...]) -> bool:
    for name in key:
        if not isinstance(data, dict) or name not in data:
            return False
        data = data[name]
    return True


def _split(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))
