"""Findings of a look at a project, and the one word that they come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Word = Literal["well", "look", "act"]

_RANKS: Final[dict[Word, int]] = {"well": 0, "look": 1, "act": 2}


@dataclass(frozen=True)
class Finding:
    """A finding that somebody should know of.

    Attributes:
        word: ``act`` where something waits for a person or is dead, else ``look``.
        part: what it is about, such as ``runs`` or ``disk``.
        text: the finding in a few plain words.
        command: a command that shows more of it or answers it; empty where there is none.
    """

    word: Word
    part: str
    text: str
    command: str = ""

    def document(self) -> dict[str, Any]:
        """Return the finding as JSON shows it."""
        return asdict(self)


def overall_word(findings: Iterable[Finding]) -> Word:
    """Return the gravest word of some findings; ``well`` where there are none."""
    words: list[Word] = [finding.word for finding in findings]
    return max(words, key=_RANKS.__getitem__, default="well")


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, the gravest first."""
    return sorted(findings, key=lambda finding: -_RANKS[finding.word])
