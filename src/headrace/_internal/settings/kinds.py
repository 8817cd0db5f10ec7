"""Kinds of values: what a key may hold, as reader, JSON schema and words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from headrace._internal.settings.place import INVALID, Place


class InvalidValue(ValueError):
    """Invalid value; the message is what it must be, such as "a number"."""


class RefusedValue(ValueError):
    """Refused value; the message says why, in words of its own."""


class Kind:
    """Kind of value that a key may hold.

    A kind is called with a value as TOML gives it; it returns the value to use or raises
    `InvalidValue`.

    Attributes:
        expected: what the value must be, in words that end "must be ...".
    """

    expected: str = "a value"

    def parse(self, value: Any) -> Any:
        """Return the value to use.

        Raises:
            InvalidValue: it is wrong; says what it must be.
            RefusedValue: it is wrong; says why.
        """
        return value

    def __call__(self, value: Any) -> Any:
        """Do what `parse` does."""
        return self.parse(value)

    def read(self, value: Any, place: Place) -> Any:
        """Return the value to use, or `INVALID`, with the fault reported."""
        try:
            return self.parse(value)
        except InvalidValue as error:
            place.invalid(str(error) or self.expected, value)
        except RefusedValue as error:
            place.refused(str(error))
        return INVALID

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema (draft 7) of the value."""
        return {}


class AnyValue(Kind):
    """Any value at all."""

    expected = "any value"


class Text(Kind):
    """A text.

    Args:
        empty: whether it may be empty.
        pattern: regular expression that all of it must match.
        expected: what it must be, in words.
        form: its JSON schema format, such as ``uuid``.
    """

    def __init__(
        self, empty: bool = True, pattern: str = "", expected: str = "", form: str = ""
    ) -> None:
        self._empty, self._pattern, self._form = empty, pattern, form
        self.expected = expected or ("text" if empty else "a text that is not empty")

    def parse(self, value: Any) -> str:
        """Return a text."""
        if not isinstance(value, str) or not (value or self._empty):
            raise InvalidValue(self.expected)
        if self._pattern and not re.fullmatch(self._pattern, value):
            raise InvalidValue(self.expected)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a text."""
        found: dict[str, Any] = {"type": "string"}
        if not self._empty:
            found["minLength"] = 1
        if self._pattern:
            found["pattern"] = f"^(?:{self._pattern})$"
        if self._form:
            found["format"] = self._form
        return found


class Boolean(Kind):
    """True or false."""

    expected = "true or false"

    def parse(self, value: Any) -> bool:
        """Return a truth value."""
        if not isinstance(value, bool):
            raise InvalidValue(self.expected)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a truth value."""
        return {"type": "boolean"}


class Integer(Kind):
    """A whole number.

    Args:
        minimum: the smallest; None: any.
        expected: what it must be, in words.
    """

    def __init__(self, minimum: int | None = None, expected: str = "") -> None:
        self._minimum = minimum
        words = "a whole number" + ("" if minimum is None else f" of at least {minimum}")
        self.expected = expected or words

    def parse(self, value: Any) -> int:
        """Return a whole number."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidValue(self.expected)
        if self._minimum is not None and value < self._minimum:
            raise InvalidValue(self.expected)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a whole number."""
        limit = {} if self._minimum is None else {"minimum": self._minimum}
        return {"type": "integer", **limit}


class Number(Kind):
    """A finite number, whole or not; it is read as a float.

    Args:
        low: the lowest.
        high: the highest.
        expected: what it must be, in words.
        between: whether ``low`` and ``high`` themselves are refused.
    """

    def __init__(
        self,
        low: float = -math.inf,
        high: float = math.inf,
        expected: str = "",
        between: bool = False,
    ) -> None:
        self._low, self._high, self._between = low, high, between
        limits = "" if low == -math.inf else f" of at least {low:g}"
        limits = limits if high == math.inf else f" from {low:g} to {high:g}"
        self.expected = expected or f"a number{limits}"

    def parse(self, value: Any) -> float:
        """Return a number within the limits."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise InvalidValue(self.expected)
        within = self._low < value < self._high if self._between else self._is_within(value)
        if not within:
            raise InvalidValue(self.expected)
        try:
            number = float(value)
        except OverflowError:
            raise InvalidValue(self.expected) from None
        if not math.isfinite(number):
            raise InvalidValue(self.expected)
        return number

    def _is_within(self, value: float) -> bool:
        return self._low <= value <= self._high

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a number."""
        words = (
            ("exclusiveMinimum", "exclusiveMaximum") if self._between else ("minimum", "maximum")
        )
        limits = zip(words, (self._low, self._high), strict=True)
        return {"type": "number", **{word: n for word, n in limits if math.isfinite(n)}}


class Choice(Kind):
    """One of some texts.

    Args:
        names: which; a function where they are known only when it is asked for.
    """

    def __init__(self, names: Iterable[str] | Callable[[], Sequence[str]]) -> None:
        self._names = names if callable(names) else tuple(names)

    @property
    def names(self) -> tuple[str, ...]:
        """The texts that there are."""
        return tuple(self._names()) if callable(self._names) else self._names

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Description of the value, which ends "must be ..."."""
        return f"one of {', '.join(self.names)}"

    def parse(self, value: Any) -> str:
        """Return one of the texts."""
        if not isinstance(value, str) or value not in self.names:
            raise InvalidValue(self.expected)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the texts."""
        return {"type": "string", "enum": list(self.names)}


class ListOf(Kind):
    """A list of values of one kind; it is read as a tuple.

    Args:
        kind: what each item may be.
        expected: what the list must be, in words.
        count: how many items there must be; None: any number.
    """

    _EXAMPLES: ClassVar[dict[str, str]] = {"text": 'texts, such as ["one", "two"]'}

    def __init__(self, kind: Kind, expected: str = "", count: int | None = None) -> None:
        self._kind, self._count = kind, count
        items = self._EXAMPLES.get(kind.expected, f"values, each {kind.expected}")
        self.expected = expected or f"a list of {items}"

    def parse(self, value: Any) -> tuple[Any, ...]:
        """Return the items."""
        if not isinstance(value, list | tuple):
            raise InvalidValue(self.expected)
        if self._count is not None and len(value) != self._count:
            raise InvalidValue(self.expected)
        try:
            return tuple(self._kind.parse(item) for item in value)
        except InvalidValue:
            raise InvalidValue(self.expected) from None

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the list."""
        count = {} if self._count is None else {"minItems": self._count, "maxItems": self._count}
        return {"type": "array", "items": self._kind.schema(), **count}


class Function(Kind):
    """Values that a function accepts, which raises `InvalidValue` at anything else.

    Args:
        function: returns the value to use.
        expected: what the value must be, in words.
        schema: JSON schema of the values; it may accept more than the function.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        expected: str = "a value that it accepts",
        schema: dict[str, Any] | None = None,
    ) -> None:
        self._function, self._schema = function, schema or {}
        self.expected = expected

    def parse(self, value: Any) -> Any:
        """Return what the function returns."""
        return self._function(value)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema that was given."""
        return dict(self._schema)


def as_kind(check: Callable[[Any], Any]) -> Kind:
    """Return a check as a kind: itself, or what the function accepts."""
    return check if isinstance(check, Kind) else Function(check)
