"""Kinds of values in campaign files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from headrace._internal.collection_path import CollectionPath, CollectionPathError
from headrace._internal.durations import parse_duration
from headrace._internal.settings import (
    InvalidValue,
    Kind,
    ListOf,
    Number,
    RefusedValue,
    Text,
)

TEXT: Final = Text(empty=False, expected="a text")
TEXTS: Final = ListOf(Text(empty=False))
_OUTPUT_PATH: Final = re.compile(r"output(?:\.[^{}.\s]+)+")


class TextOrNumber(Kind):
    """A number, or a template that becomes one; it is read as a text."""

    expected = 'a number, or a template such as "{hours}"'

    def parse(self, value: Any) -> str:
        """Return the text."""
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return repr(value)
        raise InvalidValue(self.expected)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the value."""
        return {"anyOf": [{"type": "number"}, {"type": "string", "minLength": 1}]}


class TextOrTexts(Kind):
    """A text, or several; they are read as a tuple."""

    expected = "a text, or a list of texts"

    def parse(self, value: Any) -> tuple[str, ...]:
        """Return the texts."""
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple):
            raise InvalidValue(self.expected)
        if not all(isinstance(one, str) and one for one in texts):
            raise InvalidValue(self.expected)
        return tuple(texts)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the texts."""
        text = {"type": "string", "minLength": 1}
        return {"anyOf": [text, {"type": "array", "items": text}]}


class Duration(Text):
    """A time with its unit; it is read as the text."""

    def __init__(self) -> None:
        super().__init__(empty=False, expected="a time such as 90s, 10 min, 12h or 3d")

    def parse(self, value: Any) -> str:
        """Return the text."""
        text = super().parse(value)
        try:
            parse_duration(text)
        except ValueError as error:
            raise RefusedValue(str(error)) from error
        return text


class OutputPath(Text):
    """Path of a value in a run's output, such as ``output.Run.facts``."""

    def __init__(self) -> None:
        super().__init__(empty=False, expected='a path such as "output.Run.facts"')

    def parse(self, value: Any) -> str:
        """Return the path."""
        path = super().parse(value)
        if not _OUTPUT_PATH.fullmatch(path):
            raise RefusedValue(
                f'"{path}" is no path into a run\'s output: write "output", the name of a state '
                "and names of members, with dots between"
            )
        return path

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the path."""
        return {**super().schema(), "pattern": f"^{_OUTPUT_PATH.pattern}$"}


class DirectoryOfCollection(Text):
    """A directory of a collection, from its root."""

    def __init__(self) -> None:
        super().__init__(empty=False, expected="a text")

    def parse(self, value: Any) -> str:
        """Return the path with slashes at both ends."""
        path = super().parse(value)
        try:
            return CollectionPath("").join(path.lstrip("/")).as_directory().path
        except CollectionPathError as error:
            raise RefusedValue(f'"{path}" {error}; it starts at the collection\'s root') from error


class RelativeName(Text):
    """Path of a file within a directory, such as ``exe/crtomo.cfg``; its names may be patterns."""

    def __init__(self) -> None:
        super().__init__(empty=False, expected="a text")

    def parse(self, value: Any) -> str:
        """Return the path."""
        path = super().parse(value)
        try:
            parts = CollectionPath("").join(path).parts
        except CollectionPathError as error:
            raise RefusedValue(f'"{path}" {error}') from error
        if not parts:
            raise RefusedValue(f'"{path}" names no file')
        return "/".join(parts)


class Counts(Kind):
    """A table of whole numbers by names of the user's own."""

    expected = "a table of whole numbers from 1, such as { matlab = 4 }"

    def parse(self, value: Any) -> dict[str, int]:
        """Return the numbers."""
        if not isinstance(value, Mapping):
            raise InvalidValue(self.expected)
        for one in value.values():
            if not isinstance(one, int) or isinstance(one, bool) or one < 1:
                raise InvalidValue(self.expected)
        return dict(value)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the table."""
        return {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}


class Factors(Kind):
    """A table of factors above 1 by names of the user's own."""

    expected = "a table of numbers above 1, such as { memory = 2.0 }"

    def parse(self, value: Any) -> dict[str, float]:
        """Return the factors."""
        if not isinstance(value, Mapping):
            raise InvalidValue(self.expected)
        above = Number(1.0, between=True)
        try:
            return {name: above.parse(one) for name, one in value.items()}
        except InvalidValue:
            raise InvalidValue(self.expected) from None

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the table."""
        return {
            "type": "object",
            "additionalProperties": {"type": "number", "exclusiveMinimum": 1},
        }
