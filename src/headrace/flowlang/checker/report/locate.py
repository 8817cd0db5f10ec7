"""Positions of the members of a JSON text, and duplicate keys."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NoReturn

from headrace.flowlang.checker.report.finding import ERROR, Finding

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r'[^\s,\]}"]+')
_CONSTANT = re.compile(r'"(?:\\.|[^"\\])*"|(?P<constant>-?Infinity|NaN)', re.DOTALL)

Location = tuple[Any, ...]
Positions = Mapping[Location, tuple[int, int]]


@dataclass(frozen=True)
class Document:
    """JSON document that was read.

    Attributes:
        value: its value; None where it is not JSON.
        findings: what is wrong with the text itself.
    """

    value: Any
    findings: tuple[Finding, ...] = ()


def read_document(text: str, root: str = "definition") -> Document:
    """Read a JSON text; nothing is raised, whatever it is.

    Args:
        text: the text.
        root: first element of the findings' locations.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return _unreadable(root, error.msg, error.lineno, error.colno)
    except _NoJsonError as error:
        line, column = _position(text, _constant_at(text))
        return _unreadable(root, f"{error} is not a JSON value", line, column)
    except RecursionError:
        return _unreadable(root, "nested too deep to be read", 1, 1)
    except ValueError:
        return _unreadable(root, "a number of too many digits", 1, 1)
    repeated = _scan(text).repeated
    return Document(
        value,
        tuple(
            Finding(
                ERROR,
                "duplicate-key",
                (root, *location),
                f"{location[-1]!r} is named twice in this object",
                "remove or rename one of the two: JSON readers keep one of them, silently",
                *_position(text, offset),
            )
            for location, offset in repeated
        ),
    )


class _NoJsonError(Exception):
    pass


def _refuse(constant: str) -> NoReturn:
    raise _NoJsonError(constant)


def _constant_at(text: str) -> int:
    for match in _CONSTANT.finditer(text):
        if match["constant"] is not None:
            return match.start()
    return 0


def _unreadable(root: str, message: str, line: int, column: int) -> Document:
    fix = "correct the text at this place, or just before it"
    return Document(None, (Finding(ERROR, "not-json", (root,), message, fix, line, column),))


def _position(text: str, offset: int) -> tuple[int, int]:
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - start + 1


def locate(text: str) -> Positions:
    """Return the line and column, from 1 on, of every member and item of a JSON text.

    A member stands where its name does, an item where its value does. A text that is not JSON,
    or nested too deep, has none.
    """
    try:
        json.loads(text)  # only what is JSON is walked below
    except (ValueError, RecursionError):
        return {}
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    positions = {}
    for location, offset in _scan(text).offsets.items():
        line = bisect_right(starts, offset) - 1
        positions[location] = (line + 1, offset - starts[line] + 1)
    return positions


def _scan(text: str) -> _Scanner:
    scanner = _Scanner(text)
    try:
        scanner.value(scanner.skip(0), ())
    except RecursionError:
        return _Scanner(text)
    return scanner


class _Scanner:
    def __init__(self, text: str) -> None:
        self.offsets: dict[Location, int] = {}
        self.repeated: list[tuple[Location, int]] = []
        self._text = text

    def value(self, at: int, location: Location) -> int:
        self.offsets.setdefault(location, at)
        first = self._text[at]
        if first == "{":
            return self._object(at, location)
        if first == "[":
            return self._array(at, location)
        if first == '"':
            end: int = scanstring(self._text, at + 1)[1]
            return end
        match = _SCALAR.match(self._text, at)
        return match.end() if match else at + 1

    def skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _object(self, at: int, location: Location) -> int:
        at = self.skip(at + 1)
        names: set[str] = set()
        while self._text[at] != "}":
            name_at = at
            name, at = scanstring(self._text, at + 1)
            if name in names:
                self.repeated.append(((*location, name), name_at))
            names.add(name)
            self.offsets[(*location, name)] = name_at
            at = self.skip(self.skip(at) + 1)
            at = self.skip(self.value(at, (*location, name)))
            if self._text[at] == ",":
                at = self.skip(at + 1)
        return at + 1

    def _array(self, at: int, location: Location) -> int:
        at, number = self.skip(at + 1), 0
        while self._text[at] != "]":
            at = self.skip(self.value(at, (*location, number)))
            number += 1
            if self._text[at] == ",":
                at = self.skip(at + 1)
        return at + 1
