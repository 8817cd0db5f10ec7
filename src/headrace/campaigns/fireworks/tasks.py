"""A Firetask as a part of a shell script."""

from __future__ import annotations

from dataclasses import dataclass, field


class NotTakenOver(ValueError):
    """A Firetask that cannot be a part of a shell script; the message says why."""


@dataclass(frozen=True)
class TaskScript:
    """Lines of a shell script that do what a Firetask did.

    Attributes:
        lines: the lines; each that fails ends the script.
        notes: what is otherwise than FireWorks has it.
    """

    lines: list[str]
    notes: list[str] = field(default_factory=list)
