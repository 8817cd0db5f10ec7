"""Problems of rows, grouped: one kind is shown with its first rows, and counted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

SHOWN: Final = 10
"""Rows of one kind of problem that are named."""

_VALUE: Final = re.compile(r"'[^']*'|\"[^\"]*\"|\b\d+(?:\.\d+)?\b")


@dataclass
class ProblemGroup:
    """Problems of one kind.

    Attributes:
        examples: the first of them, one line each, with the row's place and key.
        count: all of them.
    """

    examples: list[str] = field(default_factory=list)
    count: int = 0

    @property
    def lines(self) -> list[str]:
        """The problems for people: the first ten, and how many more there are."""
        more = self.count - len(self.examples)
        return [*self.examples, *([f"... and {more:,} more rows like these"] if more else [])]


class ProblemGroups:
    """Problems of rows by their kinds: texts that differ in values alone are of one kind."""

    def __init__(self) -> None:
        self._groups: dict[str, ProblemGroup] = {}

    def add(self, place: str, key: str, problem: str, shown: int = SHOWN) -> None:
        """Add a problem.

        Args:
            place: where the row stands.
            key: the member's key; "" where the row has none.
            problem: what is wrong, in one line.
            shown: how many of its kind are named; 1 of what is not the row's own.
        """
        group = self._groups.setdefault(_VALUE.sub("'", problem), ProblemGroup())
        group.count += 1
        if len(group.examples) < shown:
            member = f" (key {key})" if key else ""
            group.examples.append(f"{place}{member}: {problem}" if place else problem)

    @property
    def groups(self) -> list[ProblemGroup]:
        """The groups, in the order of their first problems."""
        return list(self._groups.values())

    @property
    def count(self) -> int:
        """All problems."""
        return sum(group.count for group in self._groups.values())
