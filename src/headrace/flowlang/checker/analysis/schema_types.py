"""From a JSON schema (draft 7, and ``$defs``) to the inputs that it admits."""

from __future__ import annotations

from typing import Any, Final

from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    ANY,
    ARRAY,
    BOOLEAN,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Member,
    Presence,
    Shape,
    join,
    meet,
    one_of,
)

# Alternatives that are told apart; more of them are joined.
MAX_WAYS: Final = 6
_TYPES: Final = {
    "null": NULL,
    "boolean": BOOLEAN,
    "number": NUMBER,
    "integer": NUMBER,
    "string": STRING,
    "array": ARRAY,
    "object": OBJECT,
}
_MAX_LEVELS: Final = 40
# The web app asks for such an object by the form of a transfer, and gives all of it.
_FORM: Final = "globus-transfer-transfer"

Ways = list[Shape]


def answers(schema: Any) -> Ways:
    """Return the shapes of what a provider answers; each answer has one of them.

    A member that a provider documents and that need not be there is not known to be missing.

    Args:
        schema: the JSON schema of the answer.
    """
    return _Reader(schema, documented=True).ways(schema) or [ANY]


def inputs(schema: Any) -> Ways:
    """Return the shapes of the inputs that a schema admits; each input has one of them.

    What a schema does not say, or says in a way that is not followed, is not known.

    Args:
        schema: the JSON schema; None or ``{}`` where nothing is known.
    """
    ways = [way for way in (w.only(OBJECT) for w in _Reader(schema).ways(schema)) if way]
    return ways or [Shape(OBJECT)]


class _Reader:
    def __init__(self, root: Any, documented: bool = False) -> None:
        self._root = root
        self._documented = documented
        self._known: dict[int, Ways] = {}
        self._reading: set[int] = set()

    def ways(self, schema: Any) -> Ways:
        if schema is False:
            return []
        if not isinstance(schema, dict):
            return [ANY]
        key = id(schema)
        if key not in self._known:
            if key in self._reading or len(self._reading) > _MAX_LEVELS:
                return [ANY]
            self._reading.add(key)
            self._known[key] = _fewer(self._read(schema))
            self._reading.discard(key)
        return self._known[key]

    def _read(self, schema: dict[str, Any]) -> Ways:
        if isinstance(schema.get("$ref"), str):
            return self.ways(self._target(schema["$ref"]))
        ways = self._own(schema)
        for part in _list(schema.get("allOf")):
            ways = _both(ways, self.ways(part))
        for word in ("anyOf", "oneOf"):
            parts = _list(schema.get(word))
            if parts:
                ways = _both(ways, [way for part in parts for way in self.ways(part)])
        if "if" in schema:
            then = _both(self.ways(schema["if"]), self.ways(schema.get("then", True)))
            ways = _both(ways, then + self.ways(schema.get("else", True)))
        return ways

    def _own(self, schema: dict[str, Any]) -> Ways:
        kinds = kinds_of(schema.get("type"))
        constants = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(constants, list) and constants:
            found = one_of(constants[:64]) if len(constants) <= 64 else None
            shape = found.only(kinds) if found is not None else Shape(kinds)
            return [] if shape is None else [shape]
        if kinds == BOOLEAN:
            return [one_of([True, False]) or Shape(BOOLEAN)]
        items = None
        if kinds & ARRAY and isinstance(schema.get("items"), dict):
            items = _joined(self.ways(schema["items"]))
        named = self._documented and "properties" in schema
        # Of a provider that says that there is more, not all members are written down.
        complete = named and schema.get("additionalProperties") is not True
        identifies = kinds == STRING and schema.get("format") == "uuid"
        least, most = self._numbers(schema) if kinds & ARRAY else (None, None)
        return [
            Shape(kinds, members, rest, items, None, named, least, most, identifies, complete)
            for members, rest in (self._objects(schema) if kinds & OBJECT else [({}, _UNKNOWN)])
        ]

    def _numbers(self, schema: dict[str, Any]) -> tuple[int | None, int | None]:
        """Return how many items an array has at least and at most."""
        least, most = schema.get("minItems"), schema.get("maxItems")
        if not isinstance(least, int) or isinstance(least, bool):
            # Only who says that there is an array speaks of an empty one too.
            declared = schema.get("type") is not None and not self._documented
            least = 0 if declared else None
        return least, most if isinstance(most, int) and not isinstance(most, bool) else None

    def _objects(self, schema: dict[str, Any]) -> list[tuple[dict[str, Member], Presence]]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = {name for name in _list(schema.get("required")) if isinstance(name, str)}
        more = schema.get("additionalProperties", True)
        optional = Presence.UNKNOWN if self._documented else Presence.MAY
        is_form = str(schema.get("format")).startswith(_FORM)
        if is_form or "patternProperties" in schema or "propertyNames" in schema:
            # What a form of the web app gives is more than the schema has to say.
            rest = Presence.UNKNOWN
        elif more is False:
            rest = Presence.CANNOT
        else:
            # An additionalProperties with a schema says that other names are expected.
            declares = bool(properties) and more is True and not self._documented
            rest = Presence.UNDECLARED if declares else Presence.UNKNOWN
        variants: list[dict[str, Member]] = [{}]
        for name, part in properties.items():
            ways = self.ways(part)
            if len(variants) * len(ways) > MAX_WAYS:
                ways = [shape] if (shape := _joined(ways)) is not None else []
            presence = Presence.MUST if name in required else optional
            if not ways:
                ways, presence = [ANY], Presence.CANNOT
            variants = [{**v, str(name): Member(way, presence)} for v in variants for way in ways]
        extra = {name: Member(ANY) for name in sorted(required) if name not in properties}
        return [({**variant, **extra}, rest) for variant in variants]

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            return True
        found = self._root
        for part in reference[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdecimal() and len(name) < 9:
                found = found[int(name)] if int(name) < len(found) else True
            elif isinstance(found, dict) and name in found:
                found = found[name]
            else:
                return True
        return found


_UNKNOWN: Final = Presence.UNKNOWN


def kinds_of(types: Any) -> int:
    """Return the kinds that a schema's ``type`` admits; all where it says nothing."""
    names = types if isinstance(types, list) else [types]
    kinds = 0
    for name in names:
        if not isinstance(name, str) or name not in _TYPES:
            return ALL
        kinds |= _TYPES[name]
    return kinds or ALL


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _both(ones: Ways, others: Ways) -> Ways:
    return _fewer([way for a in ones for b in others if (way := meet(a, b)) is not None])


def _fewer(ways: Ways) -> Ways:
    found: Ways = []
    for way in ways:
        if way not in found:
            found.append(way)
    if len(found) > MAX_WAYS:
        joined = _joined(found)
        return [] if joined is None else [joined]
    return found


def _joined(ways: Ways) -> Shape | None:
    found: Shape | None = None
    for way in ways:
        found = way if found is None else join(found, way)
    return found
