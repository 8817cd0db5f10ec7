"""Reading a document by its declaration: values, and every fault at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from headrace._internal.settings.document import Fault, KeyPath, TomlDocument, dotted
from headrace._internal.settings.wording import Wording

if TYPE_CHECKING:
    from headrace._internal.settings.tables import Table

T = TypeVar("T")


class _Invalid:
    """Stands for a value that cannot be used."""

    def __repr__(self) -> str:
        return "INVALID"

    def __bool__(self) -> bool:
        return False


INVALID: Final = _Invalid()
"""Stands for a value that cannot be used; the faults say why."""


@dataclass
class Reading:
    """One reading of a document.

    Attributes:
        document: what is read.
        wording: the words of its messages.
        faults: what is wrong with it, in the order of its declaration.
    """

    document: TomlDocument
    wording: Wording
    faults: list[Fault] = field(default_factory=list)

    @property
    def top(self) -> Place:
        """The place of the document's top table."""
        return Place(self, ())

    def read(self, table: Table[T]) -> T | None:
        """Read the document as a table; None where anything is wrong with it."""
        found = table.read(self.document.values, self.top)
        return None if self.faults else found

    def read_or_raise(self, table: Table[T], error: type[Exception]) -> T:
        """Read the document as a table.

        Args:
            table: its declaration.
            error: what is raised, with the first fault.

        Raises:
            Exception: anything is wrong with it.
        """
        found = table.read(self.document.values, self.top)
        self.raise_first(error)
        return found

    def raise_first(self, error: type[Exception]) -> None:
        """Raise the first fault, if there is one."""
        if self.faults:
            raise error(self.faults[0].message)


@dataclass(frozen=True)
class Place:
    """Place of a value in a document.

    Attributes:
        reading: the reading.
        key: the key's full path.
    """

    reading: Reading
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
        self.reading.faults.append(Fault(f"{place}{message}", self.key, line))
