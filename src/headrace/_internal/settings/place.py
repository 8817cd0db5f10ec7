"""Places of values in a document, and the reports of faults at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from headrace._internal.settings.document import Fault, KeyPath, TomlDocument, dotted
from headrace._internal.settings.wording import Wording
from headrace._internal.terminal_text import terminal_text


class _Invalid:
    """Stands for a value that cannot be used."""

    def __repr__(self) -> str:
        return "INVALID"

    def __bool__(self) -> bool:
        return False


INVALID: Final = _Invalid()
"""Stands for a value that cannot be used; the faults say why."""


class FaultLog(Protocol):
    """Faults of one reading of a document, as they are found."""

    @property
    def document(self) -> TomlDocument:
        """The document."""

    @property
    def wording(self) -> Wording:
        """The words of its messages."""

    @property
    def faults(self) -> list[Fault]:
        """The faults found until now."""


@dataclass(frozen=True)
class Place:
    """Place of a value in a document.

    Attributes:
        reading: the reading.
        key: the key's full path.
    """

    reading: FaultLog
    key: KeyPath

    def child(self, name: str | int) -> Place:
        """Return the place of a value within this one."""
        return Place(self.reading, (*self.key, name))

    def invalid(self, expected: str, value: Any) -> None:
        """Report that the value is wrong."""
        self.report(self.reading.wording.invalid(dotted(self.key), expected, value))

    def refused(self, problem: str) -> None:
        """Report a problem with the value that is not one of its type or range."""
        self.report(self.reading.wording.refused(dotted(self.key), problem))

    def not_a_table(self, value: Any) -> None:
        """Report that the value is no table."""
        self.invalid(self.reading.wording.a_table(dotted(self.key)), value)

    def missing(self, expected: str) -> None:
        """Report that the value is missing."""
        self.report(self.reading.wording.missing(dotted(self.key), expected))

    def unknown(self, name: str, known: Sequence[str]) -> None:
        """Report a key in this table that is unknown."""
        table = f"{dotted(self.key)}." if self.key else ""
        self.child(name).report(self.reading.wording.unknown(table, name, known))

    def report(self, message: str) -> None:
        """Report a fault here, in words that name the key already."""
        document = self.reading.document
        line = document.line_of(self.key)
        place = self.reading.wording.place(document.name, line)
        self.reading.faults.append(Fault(f"{place}{terminal_text(message)}", self.key, line))
