"""Parameters: constants, ``.$`` paths and ``.=`` expressions, compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.flowlang.errors import (
    Entry,
    ExpressionError,
    FlowLanguageError,
    MissingPathError,
    PathError,
)
from headrace.flowlang.expressions import Expression, compile_expression
from headrace.flowlang.paths import MISSING, Path, compile_path

PRIVATE_KEY: Final = "__Private_Parameters"


class ParameterError(FlowLanguageError):
    """A parameter that cannot be evaluated; the message is the failure's cause."""


@dataclass(frozen=True)
class Constant:
    """A value that is given as it stands."""

    value: Any

    def evaluate(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        """Return the value."""
        del payload, context
        return self.value


@dataclass(frozen=True)
class Reference:
    """A member that is read from the payload."""

    key: str
    path: Path

    def evaluate(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        """Return the value at the path.

        Raises:
            ParameterError: there is nothing.
        """
        value = self.path.resolve(payload, context)
        if value is MISSING:
            raise ParameterError(
                f"The path '{self.path.text}' specified for the field '{self.key}' "
                "could not be found in the state input."
            )
        return value


@dataclass(frozen=True)
class Computed:
    """A member that an expression gives."""

    key: str
    expression: Expression

    def evaluate(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        """Return the expression's value.

        Raises:
            ParameterError: it cannot be evaluated.
        """
        try:
            return self.expression.evaluate(payload, context)
        except MissingPathError as error:
            text = (
                f"The path '{error.path}' specified for the field '{self.key}' "
                "could not be found in the state input."
            )
            raise ParameterError(text) from error
        except ExpressionError as error:
            text = f"The expression specified for the field '{self.key}' failed: {error}"
            raise ParameterError(text) from error


@dataclass(frozen=True)
class ObjectTemplate:
    """An object, member by member."""

    members: tuple[tuple[str, Any], ...]
    private: frozenset[str]

    def evaluate(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the object with every member evaluated."""
        return {name: part.evaluate(payload, context) for name, part in self.members}


@dataclass(frozen=True)
class ArrayTemplate:
    """An array, item by item."""

    items: tuple[Any, ...]

    def evaluate(self, payload: Mapping[str, Any], context: Mapping[str, Any]) -> list[Any]:
        """Return the array with every item evaluated."""
        return [item.evaluate(payload, context) for item in self.items]


def compile_parameters(value: Any, loc: list[Any], entries: list[Entry]) -> ObjectTemplate | None:
    """Compile Parameters.

    Args:
        value: the member ``Parameters``.
        loc: where it stands.
        entries: what is wrong is added here.
    """
    if not isinstance(value, dict):
        entries.append({"loc": loc, "msg": "value is not a valid dict", "type": "type_error.dict"})
        return None
    return _object(value, loc, entries)


def private_names(part: Any) -> frozenset[str]:
    """Return the names that logs leave out, at any level."""
    if isinstance(part, ObjectTemplate):
        inner = [private_names(member) for _, member in part.members]
        return part.private.union(*inner)
    if isinstance(part, ArrayTemplate):
        return frozenset().union(*[private_names(item) for item in part.items])
    return frozenset()


def plain_name(key: str) -> str:
    """Return a key without its ``.$`` or ``.=``."""
    return key[:-2] if key.endswith((".$", ".=")) else key


def _compile(value: Any, loc: list[Any], entries: list[Entry]) -> Any:
    if _is_constant(value):
        # Given as it stands: payloads share what they hold, and nothing changes it.
        return Constant(value)
    if isinstance(value, dict):
        return _object(value, loc, entries)
    if isinstance(value, list):
        items = (_compile(item, [*loc, n], entries) for n, item in enumerate(value))
        return ArrayTemplate(tuple(items))
    return Constant(value)


def _is_constant(value: Any) -> bool:
    if isinstance(value, dict):
        return all(
            key != PRIVATE_KEY and plain_name(key) == key and _is_constant(item)
            for key, item in value.items()
        )
    return not isinstance(value, list) or all(_is_constant(item) for item in value)


def _object(value: dict[str, Any], loc: list[Any], entries: list[Entry]) -> ObjectTemplate:
    members: list[tuple[str, Any]] = []
    private: frozenset[str] = frozenset()
    seen: set[str] = set()
    for key, item in value.items():
        where = [*loc, key]
        if key == PRIVATE_KEY:
            private = _private(item, where, entries)
            continue
        name = plain_name(key)
        if not name and key:
            _add(entries, where, "a name is missing before '.$' or '.='")
        if name in seen:
            _add(entries, where, f"'{name}' is given more than once; keep one of its forms")
        seen.add(name)
        if key.endswith(".$"):
            part: Any = _reference(key, item, where, entries)
        elif key.endswith(".="):
            part = _computed(key, item, where, entries)
        else:
            part = _compile(item, where, entries)
        if part is not None:
            members.append((name, part))
    return ObjectTemplate(tuple(members), private)


def _reference(key: str, item: Any, loc: list[Any], entries: list[Entry]) -> Reference | None:
    try:
        return Reference(key, compile_path(item))
    except PathError as error:
        _add(entries, loc, str(error))
    except TypeError:
        _add(entries, loc, "the value of a '.$' member must be a path such as '$.name'")
    return None


def _computed(key: str, item: Any, loc: list[Any], entries: list[Entry]) -> Computed | None:
    try:
        return Computed(key, compile_expression(item))
    except ExpressionError as error:
        _add(entries, loc, str(error))
    except TypeError:
        _add(entries, loc, "the value of a '.=' member must be an expression")
    return None


def _private(item: Any, loc: list[Any], entries: list[Entry]) -> frozenset[str]:
    if not isinstance(item, list) or not all(isinstance(name, str) for name in item):
        _add(entries, loc, "must be an array of names")
        return frozenset()
    return frozenset(plain_name(name) for name in item)


def _add(entries: list[Entry], loc: list[Any], message: str) -> None:
    entries.append({"loc": loc, "msg": message, "type": "value_error"})
