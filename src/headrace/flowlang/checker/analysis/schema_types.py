"""Types of JSON schemas (draft 7, and ``$defs``)."""

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
    JsonType,
    Member,
    Presence,
)
from headrace.flowlang.checker.analysis.lattice import join, meet
from headrace.flowlang.checker.analysis.type_constructors import type_of_values

# Alternatives that are kept apart; more of them are joined.
MAX_ALTERNATIVES: Final = 6
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

Alternatives = list[JsonType]


def answer_types(schema: Any) -> Alternatives:
    """Return the types of a provider's answer; each answer has one of them.

    A member that a provider documents and that need not be there is not known to be missing.

    Args:
        schema: the JSON schema of the answer.
    """
    return _Reader(schema, documented=True).alternatives(schema) or [ANY]


def input_types(schema: Any) -> Alternatives:
    """Return the types of the inputs that a schema admits; each input has one of them.

    What a schema does not say, or says in a way that is not followed, is not known.

    Args:
        schema: the JSON schema; None or ``{}`` where nothing is known.
    """
    alternatives = [
        alternative
        for alternative in (each.restrict(OBJECT) for each in _Reader(schema).alternatives(schema))
        if alternative
    ]
    return alternatives or [JsonType(OBJECT)]


class _Reader:
    def __init__(self, root: Any, documented: bool = False) -> None:
        self._root = root
        self._documented = documented
        self._cache: dict[int, Alternatives] = {}
        self._reading: set[int] = set()

    def alternatives(self, schema: Any) -> Alternatives:
        if schema is False:
            return []
        if not isinstance(schema, dict):
            return [ANY]
        key = id(schema)
        if key not in self._cache:
            if key in self._reading or len(self._reading) > _MAX_LEVELS:
                return [ANY]
            self._reading.add(key)
            self._cache[key] = _simplify(self._read(schema))
            self._reading.discard(key)
        return self._cache[key]

    def _read(self, schema: dict[str, Any]) -> Alternatives:
        if isinstance(schema.get("$ref"), str):
            return self.alternatives(self._target(schema["$ref"]))
        alternatives = self._from_keywords(schema)
        for part in _list(schema.get("allOf")):
            alternatives = _meet_all(alternatives, self.alternatives(part))
        for word in ("anyOf", "oneOf"):
            parts = _list(schema.get(word))
            if parts:
                alternatives = _meet_all(
                    alternatives,
                    [alternative for part in parts for alternative in self.alternatives(part)],
                )
        if "if" in schema:
            then = _meet_all(
                self.alternatives(schema["if"]), self.alternatives(schema.get("then", True))
            )
            alternatives = _meet_all(
                alternatives, then + self.alternatives(schema.get("else", True))
            )
        return alternatives

    def _from_keywords(self, schema: dict[str, Any]) -> Alternatives:
        kinds = kinds_of(schema.get("type"))
        constants = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(constants, list) and constants:
            found = type_of_values(constants[:64]) if len(constants) <= 64 else None
            json_type = found.restrict(kinds) if found is not None else JsonType(kinds)
            return [] if json_type is None else [json_type]
        if kinds == BOOLEAN:
            return [type_of_values([True, False]) or JsonType(BOOLEAN)]
        items = None
        if kinds & ARRAY and isinstance(schema.get("items"), dict):
            items = _join_all(self.alternatives(schema["items"]))
        documented = self._documented and "properties" in schema
        # Of a provider that says that there is more, not all members are written down.
        fully_documented = documented and schema.get("additionalProperties") is not True
        is_id = kinds == STRING and schema.get("format") == "uuid"
        min_items, max_items = self._item_counts(schema) if kinds & ARRAY else (None, None)
        return [
            JsonType(
                kinds,
                members,
                rest,
                items,
                None,
                documented,
                min_items,
                max_items,
                is_id,
                fully_documented,
            )
            for members, rest in (
                self._object_variants(schema) if kinds & OBJECT else [({}, _UNKNOWN)]
            )
        ]

    def _item_counts(self, schema: dict[str, Any]) -> tuple[int | None, int | None]:
        """Return how many items an array has at least and at most."""
        min_items, max_items = schema.get("minItems"), schema.get("maxItems")
        if not isinstance(min_items, int) or isinstance(min_items, bool):
            # Only a schema that declares an array admits an empty one.
            declared = schema.get("type") is not None and not self._documented
            min_items = 0 if declared else None
        return min_items, max_items if isinstance(max_items, int) and not isinstance(
            max_items, bool
        ) else None

    def _object_variants(self, schema: dict[str, Any]) -> list[tuple[dict[str, Member], Presence]]:
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
            alternatives = self.alternatives(part)
            if len(variants) * len(alternatives) > MAX_ALTERNATIVES:
                alternatives = (
                    [json_type] if (json_type := _join_all(alternatives)) is not None else []
                )
            presence = Presence.MUST if name in required else optional
            if not alternatives:
                alternatives, presence = [ANY], Presence.CANNOT
            variants = [
                {**v, str(name): Member(alternative, presence)}
                for v in variants
                for alternative in alternatives
            ]
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


def _meet_all(ones: Alternatives, others: Alternatives) -> Alternatives:
    return _simplify(
        [alternative for a in ones for b in others if (alternative := meet(a, b)) is not None]
    )


def _simplify(alternatives: Alternatives) -> Alternatives:
    found: Alternatives = []
    for alternative in alternatives:
        if alternative not in found:
            found.append(alternative)
    if len(found) > MAX_ALTERNATIVES:
        join_states = _join_all(found)
        return [] if join_states is None else [join_states]
    return found


def _join_all(alternatives: Alternatives) -> JsonType | None:
    found: JsonType | None = None
    for alternative in alternatives:
        found = alternative if found is None else join(found, alternative)
    return found
