"""Completeness of a set of files: all of them are there."""

from __future__ import annotations

import os
import stat

from headrace._internal.terminal_text import terminal_text as shown
from headrace.triggers.completeness.rule import Look, PolledRule


class MembersRule(PolledRule):
    """A set is complete when all files are there that its members' names say."""

    def missing_reason(self, look: Look) -> str:
        """Name the first file that is missing."""
        names = self.trigger.member_names(self.arrival.name)
        missing = [name for name in names if not self._lies_there(name)]
        if not missing:
            return ""
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return f"{shown(missing[0])}{more}"

    def is_unchanged(self, stable_inodes: bool) -> bool:
        """Tell whether all are there still."""
        return all(map(self._lies_there, self.trigger.member_names(self.arrival.name)))

    def _lies_there(self, name: str) -> bool:
        try:
            return stat.S_ISREG(os.lstat(self.arrival.location.with_name(name)).st_mode)
        except OSError:
            return False
