"""Description of a rule of the checker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RuleDescription:
    """Description of a kind of finding.

    Attributes:
        code: its stable name.
        severity: the gravest that it has.
        summary: what is found, in a line.
        help: why it matters and what to do.
    """

    code: str
    severity: str
    summary: str
    help: str
