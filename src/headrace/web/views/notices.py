"""Notices that a person has seen and put away until they say something else."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.project_status.verdict import overall_word

if TYPE_CHECKING:
    from headrace.project_status.verdict import Finding, Word

# A time or an age goes on by itself, and is nothing new; a count of things is.
# A number is looked at from its beginning alone: a long one would be read from each of its digits.
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d\S*|(?<!\d)(?:\d+ d )?\d+(?::\d\d)+"
    r"|(?<![\d.,])\d[\d.,]* ?(?:s|min|h|d|days?)(?!\w)"
)
# A size is news where it is another order of magnitude: half as much, for instance.
_SIZE: Final = re.compile(r"(?<![\d,])(\d[\d,]*(?:\.\d+)?) ?(%|[kMGTP]?B)(?!\w)")
_UNITS: Final = {"%": 1, "B": 1} | {f"{unit}B": 1000**n for n, unit in enumerate("kMGTP", 1)}


def notice_key(finding: Finding) -> str:
    """Return the name of what a finding says; another one where it says something else.

    Args:
        finding: the finding.
    """
    text, about = _TIME.sub("#", _SIZE.sub(_magnitude, finding.text)), ""
    if finding.part == "waiting":
        # What a run is called may hold a time, by which it differs from another one.
        text, about = finding.text, finding.command
    said = f"{finding.word}\n{finding.part}\n{about}\n{text}"
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32]


def _magnitude(size: re.Match[str]) -> str:
    number = float(size[1].replace(",", "")) * _UNITS[size[2]]
    if number == math.inf:
        return size[0]
    return f"~2^{math.floor(math.log2(number))}" if number > 0 else "none"


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
