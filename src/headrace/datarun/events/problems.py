"""Corrupt places of an event file, and how they are handled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Literal

from headrace.datarun.errors import EventFileError

OnCorrupt = Literal["refuse", "skip"]
"""``refuse``: the first such place is an error. ``skip``: leave it out, and list it."""


class Flaw(IntEnum):
    """Kind of corruption at a place."""

    BAD_ITEM = 1
    TRUNCATED = 2
    NOT_AN_EVENT = 3
    BAD_FRAGMENT = 4
    BAD_HIT_SIZE = 5
    BAD_HIT_LENGTHS = 6
    BAD_EXTENSION = 7
    BAD_SAMPLING_RATE = 8
    SHORT_BODY = 9


_DESCRIPTIONS = {
    Flaw.BAD_ITEM: "no ring item starts here",
    Flaw.TRUNCATED: "the file ends inside this ring item",
    Flaw.NOT_AN_EVENT: "a physics event that is neither built of fragments nor a single hit",
    Flaw.BAD_FRAGMENT: "a fragment whose sizes contradict each other",
    Flaw.BAD_HIT_SIZE: "a hit that is longer than its fragment, or too short to be one",
    Flaw.BAD_HIT_LENGTHS: "a hit whose channel length is not header length plus trace",
    Flaw.BAD_EXTENSION: "a hit followed by bytes that are no fit extension",
    Flaw.BAD_SAMPLING_RATE: "a hit of a module of unknown sampling rate",
    Flaw.SHORT_BODY: "a ring item too short for what its type must hold",
}


@dataclass(frozen=True)
class Problem:
    """A place that cannot be read.

    Attributes:
        offset: first byte of it.
        length: bytes that are left out; 0 where the item is kept and only its hits are not read.
        flaw: what is wrong.
    """

    offset: int
    length: int
    flaw: Flaw

    def __str__(self) -> str:
        extent = f" ({self.length} bytes left out)" if self.length else ""
        return f"byte {self.offset}: {_DESCRIPTIONS[self.flaw]}{extent}"


def event_file_error(path: Path, problem: Problem) -> EventFileError:
    """Return the error that names file, byte and way out."""
    return EventFileError(
        f"{path}, byte {problem.offset}: {_DESCRIPTIONS[problem.flaw]}; "
        "copy the file anew, or leave such places out with --on-corrupt skip (in "
        'the settings of a data run: arguments = ["--on-corrupt", "skip"])',
        problem.offset,
    )
