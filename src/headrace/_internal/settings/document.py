"""A TOML document with the lines where its keys stand."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KeyPath = tuple[str | int, ...]
"""A key's full path: names, and numbers of the tables in a list of tables."""


class UnreadableToml(ValueError):
    """A file that is not TOML.

    Args:
        problem: why, without the place.
        line: its line, counted from 1.
        column: its column, counted from 1; 0 where it is not known.
    """

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(f"{problem} (at line {line}, column {column})" if column else problem)
        self.problem = problem
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Fault:
    """One fault of a document.

    Attributes:
        message: one line that names file, line and key.
        key: the key's full path.
        line: its line; 0 where the document's text is not known.
    """

    message: str
    key: KeyPath = ()
    line: int = 0


class TomlDocument:
    """A document's values and, where its text is known, the lines of its keys.

    Args:
        name: what messages call it, usually the file's path.
        values: its top table.
        text: what it was read from; "" where that is not known.
    """

    def __init__(self, name: str, values: Mapping[str, Any], text: str = "") -> None:
        self.name = name
        self.values = values
        self.text = text

    @classmethod
    def parse(cls, text: str, name: str) -> TomlDocument:
        """Parse a text.

        Raises:
            UnreadableToml: it is not TOML.
        """
        try:
            return cls(name, tomllib.loads(text), text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
            last = text.count("\n", 0, len(text.rstrip())) + 1
            line, column = (int(found[1]), int(found[2])) if found else (last, 0)
            raise UnreadableToml(re.sub(r" \(at .*\)$", "", str(error)), line, column) from None

    @classmethod
    def read(cls, path: Path) -> TomlDocument:
        """Read a file.

        Raises:
            OSError: it cannot be read.
            UnicodeDecodeError: it is not UTF-8.
            UnreadableToml: it is not TOML.
        """
        return cls.parse(path.read_text(encoding="utf-8"), str(path))

    @classmethod
    def read_or_raise(cls, path: Path, failure: Callable[[str], Exception]) -> TomlDocument:
        """Read a file; whatever is wrong with it is one error, with one line.

        Args:
            path: the file.
            failure: makes the error from its message.
        """
        try:
            return cls.read(path)
        except OSError as error:
            raise failure(f"{path}: cannot read the file: {error.strerror}") from error
        except (UnreadableToml, UnicodeDecodeError) as error:
            raise failure(f"{path}: not valid TOML: {error}") from error

    def line_of(self, key: KeyPath) -> int:
        """Return the line where a key stands, or its nearest table; 0 without the text."""
        if not self.text:
            return 0
        best, best_depth = 1, 0
        table: KeyPath = ()
        counts: dict[KeyPath, int] = {}
        for number, line in enumerate(self.text.splitlines(), start=1):
            if header := re.match(r"\s*(\[+)\s*([^\[\]]+?)\s*\]+\s*(#.*)?$", line):
                table = _with_numbers(_split(header[2]), counts)
                if header[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                here = table
            elif assignment := re.match(r"\s*([A-Za-z0-9_.\"'-]+?)\s*=", line):
                here = table + _split(assignment[1])
            else:
                continue
            if len(here) > best_depth and here == key[: len(here)]:
                best, best_depth = number, len(here)
        return best


def dotted(key: KeyPath) -> str:
    """Return a key as people write it: ``bands[0].name``."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _with_numbers(key: KeyPath, counts: Mapping[KeyPath, int]) -> KeyPath:
    """Return a table's key with the number of each list of tables it is within."""
    found: KeyPath = ()
    for position, part in enumerate(key):
        found = (*found, part)
        if found in counts and position + 1 < len(key):
            found = (*found, counts[found])
    return found


def _split(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))
