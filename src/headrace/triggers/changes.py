"""Changes that are reported while a directory is watched, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from fnmatch import fnmatchcase
from typing import NamedTuple


class Change(Flag):
    """Kinds of changes to what has a name in the watched directory."""

    ENTRY = auto()
    """It appeared, went away or was replaced."""
    CONTENT = auto()
    """It was written and closed, or something in it changed."""
    AWAITED = auto()
    """A name that a completeness rule waits for appeared in it."""
    LOST = auto()
    """Reports of changes in it may have been lost, and none will come any more."""


class ChangeReport(NamedTuple):
    """Changes to one name.

    Attributes:
        kinds: all kinds that were reported.
        at: monotonic time in s of the last report.
    """

    kinds: Change
    at: float


ChangeCallback = Callable[[str, Change], None]
"""Called, in a thread of its own, with a name and what changed; "" is the directory itself."""


@dataclass(frozen=True)
class ReportScope:
    """The changes that are reported in a directory that waits.

    Attributes:
        every_change: whether each change of any name in it, at any depth, is.
        awaited_names: shell patterns of the paths in it whose appearance is; ``*`` stops at ``/``.
    """

    every_change: bool
    awaited_names: tuple[str, ...] = ()

    @property
    def is_deep(self) -> bool:
        """True if directories in the directory have to be watched, too."""
        return self.every_change or any("/" in pattern for pattern in self.awaited_names)

    @property
    def is_empty(self) -> bool:
        """True if nothing is reported."""
        return not self.every_change and not self.awaited_names

    def awaits(self, path: str) -> bool:
        """Tell whether the appearance of a path is awaited."""
        return any(
            path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)
            for pattern in self.awaited_names
        )
