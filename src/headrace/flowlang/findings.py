"""What the checker finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

ERROR: Final = "error"
WARNING: Final = "warning"


@dataclass(frozen=True)
class Finding:
    """Something wrong, or doubtful, in a definition.

    Attributes:
        severity: ``error`` or ``warning``.
        code: a short name of the kind of mistake.
        loc: where it stands in the definition, beginning with ``definition``.
        message: what is wrong, in one line.
        fix: the way out.
        line: line in the source text, from 1 on, where the text was given.
        column: column, likewise.
    """

    severity: str
    code: str
    loc: tuple[Any, ...]
    message: str
    fix: str
    line: int | None = None
    column: int | None = None
