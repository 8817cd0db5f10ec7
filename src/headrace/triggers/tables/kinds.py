"""Kinds of values in trigger files."""

from __future__ import annotations

import shlex
from typing import Any, Final

from headrace._internal.collection_path import CollectionPath, CollectionPathError
from headrace._internal.settings import Choice, InvalidValue, ListOf, Number, RefusedValue, Text
from headrace.triggers.name_pattern import InvalidPattern, name_pattern

TEXT: Final = Text(empty=False, expected="a text")
TEXTS: Final = ListOf(Text())
_LONGEST: Final = 1e7


class QuotedChoice(Choice):
    """One of some texts, quoted in messages."""

    def parse(self, value: Any) -> str:
        """Return one of the texts."""
        text = TEXT.parse(value)
        if text not in self.names:
            quoted = [f'"{name}"' for name in self.names]
            words = " or ".join([", ".join(quoted[:-1]), quoted[-1]])
            raise RefusedValue(f'"{text}" must be {words}')
        return text


class Command(Text):
    """A command with its arguments; it is read as its words."""

    def __init__(self) -> None:
        super().__init__(empty=False, expected="a text")

    def parse(self, value: Any) -> Any:
        """Return the words."""
        try:
            return tuple(shlex.split(super().parse(value)))
        except InvalidValue:
            raise
        except ValueError as error:
            raise RefusedValue(f"not a command: {error}") from error


class PathBelowRoot(Text):
    """A path within a collection, from its root."""

    def parse(self, value: Any) -> str:
        """Return the path with slashes at both ends."""
        path = super().parse(value)
        rule = 'it starts at the collection\'s root, and may not contain ".." or "~"'
        try:
            parsed = CollectionPath("").join(path.lstrip("/"))
        except CollectionPathError as error:
            raise RefusedValue(f'"{path}" {error}; {rule}') from error
        if parsed.parts[:1] == ("~",):
            raise RefusedValue(f'"{path}": {rule}')
        return parsed.as_directory().path


class FileName(Text):
    """The name of a file, without its directory."""

    def parse(self, value: Any) -> str:
        """Return the name."""
        name = super().parse(value)
        if "/" in name:
            raise RefusedValue(f'"{name}" must be a name without "/"')
        return name


class NameRegex(Text):
    """A regular expression for names."""

    def __init__(self) -> None:
        super().__init__(empty=False, expected="a text")

    def parse(self, value: Any) -> str:
        """Return the expression."""
        text = super().parse(value)
        try:
            name_pattern(text)
        except InvalidPattern as error:
            raise RefusedValue(str(error)) from error
        return text


def seconds(minimum: float) -> Number:
    """Return the kind of a time in seconds that is not below a minimum."""
    return Number(minimum, _LONGEST, f"a number of seconds from {minimum:g}")
