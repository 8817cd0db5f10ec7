"""Notices that a person has seen and put away until they say something else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.project_status.verdict import overall_word

if TYPE_CHECKING:
    from headrace.project_status.verdict import Finding, Word

# A time, an age or a size goes on by itself, and is nothing new; a count of things is.
_GOES_ON: Final = re.compile(
    r"\d{4}-\d\d-\d\d\S*|\d+(?::\d\d)+|[\d.,]+ ?(?:s|min|h|d|days?|%|[kMGT]?B)(?!\w)"
)


def notice_key(finding: Finding) -> str:
    """Return the name of what a finding says; another one where it says something else.

    Args:
        finding: the finding.
    """
    text = f"{finding.word}\n{finding.part}\n{_GOES_ON.sub('#', finding.text)}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


@dataclass(frozen=True)
class Notices:
    """Findings, without those that were put away.

    Attributes:
        shown: those that are shown.
        dismissed: how many are not.
    """

    shown: tuple[Finding, ...]
    dismissed: int

    @classmethod
    def of(cls, findings: Iterable[Finding], dismissed: Collection[str]) -> Notices:
        """Leave out what was put away.

        Args:
            findings: all of them.
            dismissed: names of notices that were put away.
        """
        every = [*findings]
        shown = tuple(each for each in every if notice_key(each) not in dismissed)
        return cls(shown, len(every) - len(shown))

    @property
    def word(self) -> Word:
        """The gravest word of those that are shown."""
        return overall_word(self.shown)
