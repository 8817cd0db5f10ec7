"""Completeness by a number of files."""

from __future__ import annotations

import os

from headrace.triggers.completeness.rule import CompletenessRule, Look
from headrace.triggers.ignored_names import is_ignored, is_temporary_name


class MinimumCountRule(CompletenessRule):
    """An arrival is complete when it has so many files, at any depth."""

    @property
    def awaited_names(self) -> tuple[str, ...]:
        """All names in it."""
        return ("*",)

    def missing_reason(self, look: Look) -> str:
        """Count the files.

        Raises:
            OSError: a directory cannot be read.
        """
        ignore = self.trigger.ignore
        found = sum(
            not is_temporary_name(name, ignore) and not is_ignored(name, ignore)
            for _, _, names in os.walk(self.arrival.location, onerror=_raise)
            for name in names
        )
        return "" if found >= self.value else f"files: {found:,} of {self.value:,} are there"


def _raise(error: OSError) -> None:
    # What goes away meanwhile has no files.
    if not isinstance(error, FileNotFoundError):
        raise error
