"""Copies of a document with one thing changed: a value, a name, a letter."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator
from typing import Any

Loc = tuple[Any, ...]


def leaves(value: Any, loc: Loc = ()) -> Iterator[tuple[Loc, Any]]:
    """Every scalar and container of a document, with its place."""
    yield loc, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*loc, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, (*loc, number))


def at(document: Any, loc: Loc) -> Any:
    """What stands at a place."""
    for step in loc:
        document = document[step]
    return document


def put(document: Any, loc: Loc, value: Any) -> Any:
    """A copy of a document with another value at a place."""
    changed = copy.deepcopy(document)
    at(changed, loc[:-1])[loc[-1]] = value
    return changed


def without(document: Any, loc: Loc) -> Any:
    """A copy of a document without what stands at a place."""
    changed = copy.deepcopy(document)
    del at(changed, loc[:-1])[loc[-1]]
    return changed


def renamed(document: Any, loc: Loc, name: str) -> Any:
    """A copy of a document with a member called otherwise; the order stays."""
    changed = copy.deepcopy(document)
    holder = at(changed, loc[:-1])
    items = [(name if key == loc[-1] else key, value) for key, value in holder.items()]
    holder.clear()
    holder.update(items)
    return changed


def slip(text: str, rng: random.Random) -> str:
    """A text with one letter more, less, exchanged or another."""
    letters = [n for n, c in enumerate(text) if c.isalpha()]
    place = rng.choice(letters[1:] or letters)
    how = rng.randrange(4)
    if how == 0:
        return text[:place] + text[place + 1 :]
    if how == 1:
        return text[:place] + text[place] + text[place:]
    if how == 2 and place + 1 < len(text) and text[place + 1] != text[place]:
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    other = rng.choice([c for c in "abcdefghijklmnopqrstuvwxyz" if c != text[place].lower()])
    return text[:place] + other + text[place + 1 :]


def slip_in_path(path: str, rng: random.Random) -> str:
    """A path with a slip in one of its names."""
    names = list(re.finditer(r"[A-Za-z_]{2,}", path))
    name = rng.choice(names)
    return path[: name.start()] + slip(name[0], rng) + path[name.end() :]
