"""Findings of the checker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

ERROR: Final = "error"
WARNING: Final = "warning"
ADVICE: Final = "advice"
SEVERITIES: Final = (ERROR, WARNING, ADVICE)

Loc = tuple[Any, ...]


@dataclass(frozen=True)
class Finding:
    """Mistake, or probable mistake, in a flow.

    Attributes:
        severity: ``error``: the service refuses it, or each run that comes here fails;
            ``warning``: some run fails, or does what was hardly meant; ``advice``: it works, and
            could be better.
        code: a short name of the kind of mistake; see :data:`headrace.flowlang.checker.RULES`.
        loc: its location: ``definition`` or ``input_schema``, then names and numbers.
        message: what is wrong, in one line.
        fix: advice how to correct it.
        line: line in the source text, from 1 on, where the text was given.
        column: column, likewise.
        kind: for what the service refuses, the service's own type, such as ``value_error``.
    """

    severity: str
    code: str
    loc: Loc
    message: str
    fix: str
    line: int | None = None
    column: int | None = None
    kind: str | None = None


def one_line(text: str) -> str:
    """Return a text without line breaks and unprintable characters."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
