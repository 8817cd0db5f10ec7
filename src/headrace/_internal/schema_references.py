"""References in a JSON Schema, and whether following them ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

Path = tuple[str | int, ...]

# Keywords whose value is a schema, an array of schemas, or an object of schemas. What
# is in the first three is applied to the same value, so that a circle through them never ends.
_SAME_VALUE: Final = frozenset({"not", "if", "then", "else"})
_SAME_VALUE_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf"})
# Those of later drafts are walked too: who reads a schema by one of these must fetch nothing.
_SAME_VALUE_MAPS: Final = frozenset({"dependencies", "dependentSchemas"})
_ONE: Final = frozenset({"items", "additionalItems", "additionalProperties", "contains"}) | {
    *("propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema")
}
_LISTS: Final = frozenset({"items", "prefixItems"})
_MAPS: Final = frozenset({"properties", "patternProperties", "definitions", "$defs"})

# Of later drafts: draft 7 passes over them, so whoever writes them means something else.
_LATER: Final = ("$dynamicRef", "$recursiveRef", "$dynamicAnchor", "$recursiveAnchor", "$anchor")
DIALECT: Final = re.compile(r"https?://json-schema\.org/[a-z0-9/.-]*schema#?")
_MAX_PATTERN: Final = 5_000


@dataclass(frozen=True)
class Part:
    """A schema inside a schema.

    Attributes:
        path: where it is.
        schema: itself.
    """

    path: Path
    schema: Any


class References:
    """Follows a schema through all of its parts, wherever they refer to.

    Args:
        root: the whole schema.
    """

    def __init__(self, root: Any) -> None:
        self._root = root
        self._same_value: dict[Path, list[Path]] = {}
        self.targets: list[Part] = []
        self.problems: list[tuple[Path, str]] = []
        self._walk()
        self._find_circle()

    def _walk(self) -> None:
        waiting, seen = [Part((), self._root)], set[Path]()
        while waiting:
            part = waiting.pop()
            if part.path in seen:
                continue
            seen.add(part.path)
            within = self._same_value.setdefault(part.path, [])
            if not isinstance(part.schema, dict):
                continue
            self._look(part)
            for child, same_value in _children(part):
                waiting.append(child)
                if same_value:
                    within.append(child.path)
            target = self._target(part)
            if target is not None:
                waiting.append(target)
                within.append(target.path)
                self.targets.append(target)

    def _look(self, part: Part) -> None:
        schema, path = part.schema, part.path
        for name in _LATER:
            if name in schema:
                self._add((*path, name), "is not of draft 7, in which input schemas are read")
        own = schema.get("$id")
        if path and isinstance(own, str) and not own.startswith("#"):
            self._add((*path, "$id"), "only the whole schema may have an address of its own")
        dialect = schema.get("$schema")
        if isinstance(dialect, str) and (path or not DIALECT.fullmatch(dialect)):
            self._add((*path, "$schema"), "must be a draft at json-schema.org, of the whole schema")
        for name in [schema.get("pattern"), *_keys(schema.get("patternProperties"))]:
            problem = pattern_problem(name) if isinstance(name, str) else None
            if problem is not None:
                member = "pattern" if name == schema.get("pattern") else "patternProperties"
                self._add((*path, member), problem)

    def _target(self, part: Part) -> Part | None:
        if "$ref" not in part.schema:
            return None
        ref, where = part.schema["$ref"], (*part.path, "$ref")
        if not isinstance(ref, str):
            self._add(where, "must be a text that begins with '#'")
            return None
        if not ref.startswith("#"):
            self._add(where, f"leads elsewhere ({ref:.100}); it must begin with '#'")
            return None
        found = self._resolve(ref[1:])
        if found is None:
            self._add(where, f"leads nowhere: there is no {ref:.100} in this schema")
            return None
        if not isinstance(found.schema, dict | bool):
            self._add(where, f"{ref:.100} is no schema")
            return None
        return found

    def _resolve(self, fragment: str) -> Part | None:
        if fragment and not fragment.startswith("/"):
            parts = _all_parts(self._root)
            return next((part for part in parts if part.schema.get("$id") == f"#{fragment}"), None)
        value, path = self._root, list[str | int]()
        for step in fragment.split("/")[1:]:
            step = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and step in value:
                value = value[step]
                path.append(step)
            elif isinstance(value, list) and re.fullmatch("0|[1-9][0-9]{0,8}", step):
                if int(step) >= len(value):
                    return None
                value = value[int(step)]
                path.append(int(step))
            else:
                return None
        return Part(tuple(path), value)

    def _find_circle(self) -> None:
        """Look for parts that lead to themselves without going into the value."""
        finished = set[Path]()
        for start in self._same_value:
            on_way = dict[Path, Iterator[Path]]()
            waiting = [start]
            while waiting:
                path = waiting[-1]
                if path in finished:
                    waiting.pop()
                    continue
                following = on_way.setdefault(path, iter(self._same_value.get(path, ())))
                child = next(following, None)
                if child is None:
                    finished.add(path)
                    del on_way[path]
                    waiting.pop()
                elif child in on_way:
                    self._add(child, "refers to itself, again and again for the same value")
                    return
                elif child not in finished:
                    waiting.append(child)

    def _add(self, path: Path, message: str) -> None:
        self.problems.append((path, message))


def _children(part: Part) -> Iterator[tuple[Part, bool]]:
    for name, value in part.schema.items():
        path = (*part.path, name)
        if name in _SAME_VALUE or (name in _ONE and not isinstance(value, list)):
            yield Part(path, value), name in _SAME_VALUE
        elif isinstance(value, list) and (name in _SAME_VALUE_LISTS or name in _LISTS):
            for n, item in enumerate(value):
                yield Part((*path, n), item), name in _SAME_VALUE_LISTS
        elif isinstance(value, dict) and (name in _SAME_VALUE_MAPS or name in _MAPS):
            for key, item in value.items():
                yield Part((*path, key), item), name in _SAME_VALUE_MAPS


def _all_parts(root: Any) -> Iterator[Part]:
    waiting = [Part((), root)]
    while waiting:
        part = waiting.pop()
        if isinstance(part.schema, dict):
            yield part
            waiting += [child for child, _ in _children(part)]


def _keys(value: Any) -> list[str]:
    return [*value] if isinstance(value, dict) else []


def pattern_problem(pattern: str) -> str | None:
    """Return why a text is no pattern that values may be checked against; None where it is one."""
    if len(pattern) > _MAX_PATTERN:
        return f"a pattern of {len(pattern)} characters; at most {_MAX_PATTERN} are allowed"
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError, ValueError) as error:
        return f"not a pattern: {error}"
    return None
