"""Where the members of a JSON text stand."""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r'[^\s,\]}"]+')

Location = tuple[Any, ...]


def locate(text: str) -> dict[Location, tuple[int, int]]:
    """Returns the line and column, from 1 on, of every member and item of a JSON text.

    A member stands where its name does, an item where its value does. A text that is not JSON,
    or nested too deep, has none.
    """
    try:
        json.loads(text)  # only what is JSON is walked below
    except (ValueError, RecursionError):
        return {}
    offsets: dict[Location, int] = {}
    try:
        _value(text, _skip(text, 0), (), offsets)
    except RecursionError:
        return {}
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    places = {}
    for location, offset in offsets.items():
        line = _last_not_after(starts, offset)
        places[location] = (line + 1, offset - starts[line] + 1)
    return places


def _value(text: str, at: int, location: Location, offsets: dict[Location, int]) -> int:
    offsets.setdefault(location, at)
    if text[at] == "{":
        return _object(text, at, location, offsets)
    if text[at] == "[":
        return _array(text, at, location, offsets)
    if text[at] == '"':
        end: int = scanstring(text, at + 1)[1]
        return end
    match = _SCALAR.match(text, at)
    return match.end() if match else at + 1


def _object(text: str, at: int, location: Location, offsets: dict[Location, int]) -> int:
    at = _skip(text, at + 1)
    while text[at] != "}":
        name_at = at
        name, at = scanstring(text, at + 1)
        offsets[(*location, name)] = name_at
        at = _skip(text, _skip(text, at) + 1)
        at = _skip(text, _value(text, at, (*location, name), offsets))
        if text[at] == ",":
            at = _skip(text, at + 1)
    return at + 1


def _array(text: str, at: int, location: Location, offsets: dict[Location, int]) -> int:
    at, number = _skip(text, at + 1), 0
    while text[at] != "]":
        at = _skip(text, _value(text, at, (*location, number), offsets))
        number += 1
        if text[at] == ",":
            at = _skip(text, at + 1)
    return at + 1


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _last_not_after(starts: list[int], offset: int) -> int:
    from bisect import bisect_right

    return bisect_right(starts, offset) - 1
