"""Members of an input that are given as ``KEY=VALUE``, typed as the input's schema says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from headrace._internal.json_check import InvalidValue, load_json
from headrace.config.errors import ProjectError

_KINDS: Final = {str: "string", bool: "boolean", int: "integer", float: "number"}
_EXPONENT: Final = re.compile(r"-?[0-9.]+[eE]")
_DEPTH: Final = 20


class InvalidSetting(ProjectError):
    """A ``KEY=VALUE`` that cannot be put into the input."""

    exit_code = 2


@dataclass(frozen=True)
class Setting:
    """A member of an input as it was given.

    Attributes:
        keys: the way to the member, through objects.
        text: the value as it was typed.
    """

    keys: tuple[str, ...]
    text: str


def read_setting(text: str) -> Setting:
    """Read ``KEY=VALUE``, a dotted key and a value.

    Raises:
        InvalidSetting: it is not of this form, or its value is JSON that cannot be sent.
    """
    key, separator, value = text.partition("=")
    if not separator or not all(key.split(".")):
        raise InvalidSetting(f"{text!r}: expected KEY=VALUE, such as processing.ranks=4")
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return Setting(tuple(key.split(".")), value)
    if isinstance(parsed, dict | list):
        try:
            load_json(value, key)
        except InvalidValue as error:
            raise InvalidSetting(f"--set {error}") from error
    return Setting(tuple(key.split(".")), value)


def with_settings(
    body: Mapping[str, Any], settings: Iterable[Setting], schema: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an input with members set; later settings win.

    A value is what it is in JSON, and text where it is not JSON. What the schema says decides
    between the two: ``1`` is the text "1" where only text is allowed. A number that would be
    written otherwise than it was typed, such as ``1e5``, is one only where the schema asks for a
    number; an identifier must not be changed without a word.

    Args:
        body: the input, which is not changed.
        settings: the settings.
        schema: the JSON schema of the whole input.

    Raises:
        InvalidSetting: a setting goes through a value that is not an object.
    """
    result: dict[str, Any] = json.loads(json.dumps(body))
    for setting in settings:
        inner = result
        for key in setting.keys[:-1]:
            inner = inner.setdefault(key, {})
            if not isinstance(inner, dict):
                raise InvalidSetting(f"--set {'.'.join(setting.keys)}: {key} is not an object")
        inner[setting.keys[-1]] = _value(setting, allowed_types(schema, setting.keys))
    return result


def allowed_types(schema: Any, keys: tuple[str, ...]) -> frozenset[str] | None:
    """Return the JSON types that a schema allows a member to have; None if it says nothing.

    Args:
        schema: the schema of the whole.
        keys: the way to the member.
    """
    found: set[str] = set()
    for part in _at(schema, schema, keys, _DEPTH):
        types = _types(part)
        if types is None:
            return None
        found |= types
    return frozenset(found) or None


def _value(setting: Setting, allowed: frozenset[str] | None) -> Any:
    text = setting.text
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, dict | list) or text != text.strip():
        return value
    only_text = allowed is not None and "string" in allowed
    if value is None:
        return text if only_text and allowed is not None and "null" not in allowed else None
    if isinstance(value, bool | str):
        kind = _KINDS[type(value)]
        return text if only_text and allowed is not None and kind not in allowed else value
    return _number(setting, value, allowed)


def _number(setting: Setting, value: float, allowed: frozenset[str] | None) -> Any:
    wanted = allowed is not None and bool(allowed & {"number", "integer"})
    if allowed is not None and not wanted and "string" in allowed:
        return setting.text
    exact = not _EXPONENT.match(setting.text) and _is_exact(setting.text, value)
    if not exact and (not wanted or (allowed is not None and "string" in allowed)):
        return setting.text
    if value in (float("inf"), float("-inf")):
        raise InvalidSetting(f"--set {'.'.join(setting.keys)}: {setting.text} is not finite")
    if isinstance(value, float) and value.is_integer() and "number" not in (allowed or {"number"}):
        return int(value)
    return value


def _is_exact(text: str, value: float) -> bool:
    """Return whether a number is the very one that was typed."""
    return Decimal(text) == Decimal(repr(value))


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _at(root: Any, schema: Any, keys: tuple[str, ...], depth: int) -> list[Any]:
    """Return the schemas that apply to a member, alternatives each by itself."""
    if depth == 0 or not isinstance(schema, Mapping):
        return [{}]
    if isinstance(schema.get("$ref"), str):
        return _at(root, _referred(root, schema["$ref"]), keys, depth - 1)
    for word in ("anyOf", "oneOf"):
        if isinstance(schema.get(word), list):
            parts = [_at(root, each, keys, depth - 1) for each in schema[word]]
            return [each for part in parts for each in part]
    if not keys:
        return [schema]
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and keys[0] in properties:
        return _at(root, properties[keys[0]], keys[1:], depth - 1)
    return _at(root, schema.get("additionalProperties"), keys[1:], depth - 1)


def _referred(root: Any, reference: str) -> Any:
    found = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) and step else found
    return found if reference.startswith("#") else {}


def _types(schema: Any) -> set[str] | None:
    if not isinstance(schema, Mapping):
        return None
    words = schema.get("type")
    if isinstance(words, str):
        return {words}
    if isinstance(words, list):
        return {str(word) for word in words}
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    kinds = {"null" if each is None else _KINDS.get(type(each), "object") for each in values}
    return kinds or None
