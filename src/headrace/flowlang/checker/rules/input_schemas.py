"""Findings on the input schema: parts that nothing satisfies, or that have no effect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard

from headrace._internal.json_schema import schema_problems, value_problems
from headrace._internal.near_names import nearest
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    ARRAY,
    NUMBER,
    OBJECT,
    STRING,
    describe_kinds,
)
from headrace.flowlang.checker.analysis.schema_types import kinds_of
from headrace.flowlang.checker.report.finding import ERROR, WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule

_ROOT: Final[Loc] = ("input_schema",)
_LEVELS: Final = 24
# Of longer lists of values, or of alternatives, the first are looked at.
_MAX_VALUES: Final = 32
# Keywords that say something of values of one kind alone.
_OF_KIND: Final = {
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), NUMBER
    ),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), STRING),
    **dict.fromkeys(("items", "minItems", "maxItems", "uniqueItems", "contains"), ARRAY),
    **dict.fromkeys(
        (
            "properties",
            "required",
            "additionalProperties",
            "patternProperties",
            "propertyNames",
            "minProperties",
            "maxProperties",
        ),
        OBJECT,
    ),
}
_OTHER_KEYWORDS: Final = (
    "type", "enum", "const", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "format",
    "additionalItems", "dependencies", "definitions", "$defs", "$ref", "$id", "$schema",
    "$comment", "title", "description", "default", "examples", "readOnly", "writeOnly",
    "contentMediaType", "contentEncoding", "deprecated", "id", "example",
)  # fmt: skip
_KEYWORDS: Final = (*_OF_KIND, *_OTHER_KEYWORDS)
# Names of keywords in other dialects and programming languages.
_COMMON_MISNAMES: Final = {
    "min": "minimum",
    "max": "maximum",
    "minValue": "minimum",
    "maxValue": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "regex": "pattern",
    "choices": "enum",
    "options": "enum",
    "values": "enum",
    "fields": "properties",
    "mandatory": "required",
}
_FORMATS: Final = (
    "uuid", "date-time", "date", "time", "email", "idn-email", "hostname", "idn-hostname", "ipv4",
    "ipv6", "uri", "uri-reference", "uri-template", "iri", "iri-reference", "json-pointer",
    "relative-json-pointer", "regex", "duration", "globus-collection", "globus-principal",
)  # fmt: skip
_FORMATS_MEANT: Final = {"uuid4": "uuid", "guid": "uuid", "uid": "uuid", "datetime": "date-time",
                         "timestamp": "date-time", "url": "uri", "ip": "ipv4"}  # fmt: skip
_BOUNDS: Final = (
    ("minimum", "maximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)
# A schema in one of these is one of an input that must fit.
_PARTS: Final = ("allOf", "anyOf", "oneOf")


@rule("unsatisfiable-schema", ERROR)
@rule("example-not-accepted", WARNING)
@rule("unknown-keyword", WARNING)
@rule("keyword-without-effect", WARNING)
def input_schemas(context: RuleContext) -> Iterator[Finding]:
    """Yield what is wrong with an input schema by itself."""
    schema = context.input_schema
    if isinstance(schema, dict) and not schema_problems(schema):
        yield from _SchemaCheck(schema).of(schema, (), True, True, 0)


class _SchemaCheck:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root

    def of(
        self, schema: Any, at: tuple[str | int, ...], needed: bool, is_object: bool, level: int
    ) -> Iterator[Finding]:
        """Yield what is wrong with a part of the schema, and with what is in it.

        Args:
            schema: the part.
            at: its location.
            needed: whether no input is accepted where nothing satisfies it.
            is_object: whether it is one of an object, whatever type it names itself.
            level: how deep it stands.
        """
        if not isinstance(schema, dict) or level > _LEVELS:
            return
        is_object = is_object or kinds_of(schema.get("type")) == OBJECT
        reason_found = self._unsatisfiable(schema, at)
        if reason_found is not None:
            keyword, reason = reason_found
            # Without a type it is what people mean of an object; JSON schema accepts all else.
            of_objects = _OF_KIND.get(keyword) == OBJECT and not is_object
            reported = f"no {'object' if of_objects else 'value'} is accepted here"
            if needed and not of_objects:
                reported = "no input can satisfy the schema"
            yield Finding(
                ERROR if needed and not of_objects else WARNING,
                "unsatisfiable-schema",
                (*_ROOT, *at, keyword),
                f"{reported}: {reason}",
                "correct the schema",
            )
        yield from _keywords(schema, at)
        yield from self._values(schema, at, reason_found is not None)
        for step, part, is_needed in _subschemas(schema, is_object):
            same = is_object and step[0] in _PARTS
            yield from self.of(part, (*at, *step), needed and is_needed, same, level + 1)

    def _unsatisfiable(
        self, schema: Mapping[str, Any], at: tuple[str | int, ...]
    ) -> tuple[str, str] | None:
        """Return the keyword by which nothing satisfies a part, and why; None where all may."""
        types = schema.get("type")
        for low, high in _BOUNDS:
            kind, minimum, maximum = _OF_KIND[low], schema.get(low), schema.get(high)
            if (
                _has_only(types, kind)
                and _number(minimum)
                and _number(maximum)
                and minimum > maximum
            ):
                return low, f"{low} {minimum} is above {high} {maximum}"
        reason = _empty_range(schema) if _has_only(types, NUMBER) else None
        if reason is not None:
            return reason
        options = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(options, list) and 0 < len(options) <= _MAX_VALUES:
            problems = [self._rejection_reason(schema, at, option) for option in options]
            if all(problems):
                word = "const" if "const" in schema else "enum"
                return word, f"{word} admits nothing that the rest does: {problems[0]}"
        if _same_alternatives(schema.get("oneOf")):
            return "oneOf", "all alternatives of oneOf are the same, and exactly one must fit"
        if schema.get("additionalProperties") is False and "patternProperties" not in schema:
            for name in schema.get("required", ()):
                if name not in schema.get("properties", {}) and _has_only(types, OBJECT):
                    near = nearest(name, schema.get("properties", {}))
                    hint = f"; did you mean {near!r}?" if near else ""
                    return "required", f"{name!r} is required, and no property{hint}"
        return None

    def _values(
        self, schema: Mapping[str, Any], at: tuple[str | int, ...], unsatisfiable: bool
    ) -> Iterator[Finding]:
        """Yield a default or an example that the part itself does not accept."""
        if unsatisfiable:
            return
        given: list[tuple[Loc, Any]] = [
            (("examples", number), value) for number, value in enumerate(schema.get("examples", ()))
        ]
        # Who leaves a default empty means that there is none.
        if schema.get("default") not in (None, "", [], {}):
            given.insert(0, (("default",), schema["default"]))
        for step, value in given[:_MAX_VALUES]:
            problem = self._rejection_reason(schema, at, value)
            if problem is None:
                continue
            yield Finding(
                WARNING,
                "example-not-accepted",
                (*_ROOT, *at, *step),
                f"the schema does not accept its own {str(step[0]).removesuffix('s')}: {problem}",
                "correct the value or the schema",
            )

    def _rooted(self, at: tuple[str | int, ...]) -> dict[str, Any]:
        """Return a part as a schema in which references lead where they do in the whole."""
        pointer = "".join(f"/{_escaped(step)}" for step in at)
        # Beside $ref nothing else counts, and what it refers to stays where it is.
        return {**self._root, "$ref": f"#{pointer}"} if at else self._root

    def _rejection_reason(
        self, part: Mapping[str, Any], at: tuple[str | int, ...], value: Any
    ) -> str | None:
        """Return why a part does not accept a value; None where it does."""
        problems = value_problems(self._rooted(at) if _refers(part) else part, value)
        if not problems or problems[0].message.startswith("the schema"):
            return None
        first = problems[0]
        return f"{first.json_path}: {first.message}" if first.path else first.message


def _refers(schema: Any) -> bool:
    """Say whether a schema refers to another part of the whole."""
    if isinstance(schema, Mapping):
        return "$ref" in schema or any(map(_refers, schema.values()))
    return isinstance(schema, list) and any(map(_refers, schema))


def _keywords(schema: Mapping[str, Any], at: tuple[str | int, ...]) -> Iterator[Finding]:
    kinds = kinds_of(schema.get("type"))
    for name in schema:
        where = (*_ROOT, *at, name)
        if name in _OF_KIND:
            if not kinds & _OF_KIND[name]:
                yield Finding(
                    WARNING,
                    "keyword-without-effect",
                    where,
                    f"{name!r} says nothing of {describe_kinds(kinds)}",
                    f"correct the type: it belongs to {describe_kinds(_OF_KIND[name])}",
                )
        elif name not in _KEYWORDS:
            meant = _COMMON_MISNAMES.get(name) or nearest(name, _KEYWORDS, 0.8)
            if meant is not None and meant not in schema:
                yield Finding(
                    WARNING,
                    "unknown-keyword",
                    where,
                    f"{name!r} is no keyword of JSON schema, and has no effect",
                    f"did you mean {meant!r}?",
                )
    form = schema.get("format")
    if isinstance(form, str) and form not in _FORMATS:
        meant = _FORMATS_MEANT.get(form.lower()) or nearest(form, _FORMATS, 0.75)
        if meant is not None:
            yield Finding(
                WARNING,
                "unknown-keyword",
                (*_ROOT, *at, "format"),
                f"{form!r} is no format of JSON schema, and has no effect",
                f"did you mean {meant!r}?",
            )


def _subschemas(
    schema: Mapping[str, Any], is_object: bool
) -> Iterator[tuple[tuple[str | int, ...], Any, bool]]:
    """Yield the subschemas of a schema: location, schema, and whether an input must fit it."""
    required = schema.get("required", ())
    for word in ("properties", "patternProperties", "definitions", "$defs"):
        for name, part in schema.get(word, {}).items():
            needed = word == "properties" and is_object and name in required
            yield (word, name), part, needed
    for word in _PARTS:
        for number, part in enumerate(schema.get(word, ())):
            yield (word, number), part, word == "allOf" or len(schema[word]) == 1
    for word in ("items", "additionalProperties", "not", "if", "then", "else", "contains"):
        if isinstance(schema.get(word), dict):
            yield (word,), schema[word], False


def _has_only(types: Any, kind: int) -> bool:
    return kinds_of(types) == kind or (kind == OBJECT and kinds_of(types) == ALL)


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _empty_range(schema: Mapping[str, Any]) -> tuple[str, str] | None:
    for low in ("minimum", "exclusiveMinimum"):
        for high in ("maximum", "exclusiveMaximum"):
            minimum, maximum = schema.get(low), schema.get(high)
            open_ended = low != "minimum" or high != "maximum"
            if _number(minimum) and _number(maximum) and open_ended and minimum >= maximum:
                return low, f"no number is between {low} {minimum} and {high} {maximum}"
    return None


def _same_alternatives(parts: Any) -> bool:
    if not isinstance(parts, list) or not 1 < len(parts) <= _MAX_VALUES:
        return False
    return len({json.dumps(part, sort_keys=True) for part in parts}) == 1


def _escaped(step: str | int) -> str:
    from urllib.parse import quote

    return quote(str(step).replace("~", "~0").replace("/", "~1"))
