"""Reading a document by its declaration: values, and every fault at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from headrace._internal.settings.document import Fault, TomlDocument
from headrace._internal.settings.place import Place
from headrace._internal.settings.tables import Table
from headrace._internal.settings.wording import Wording

T = TypeVar("T")


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
