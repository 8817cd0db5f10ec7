"""Findings of checks as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, columns_of, table

if TYPE_CHECKING:
    from headrace.project.diagnosis import Diagnosis

FINDING_FIELDS = (
    Field("what", key="what"),
    Field("health", key="health"),
    Field("finding", key="words"),
)


def display_findings(findings: Sequence[Diagnosis]) -> int:
    """Display findings.

    Returns:
        The exit code: 1 where one of them would make the run fail.
    """
    documents = [finding.document() for finding in findings]
    display(documents, lambda: findings_text(findings), columns_of(FINDING_FIELDS))
    return exit_code(findings)


def exit_code(findings: Sequence[Diagnosis]) -> int:
    """Return the exit code of a check: 1 where a finding would make the run fail."""
    return 1 if any(finding.health == "bad" for finding in findings) else 0


def findings_text(findings: Sequence[Diagnosis]) -> str:
    """Return a table of findings, and a line that says what they come to."""
    bad = sum(finding.health == "bad" for finding in findings)
    words = "All checks passed." if not bad else f"{bad} of these would make the run fail."
    return f"{table([one.document() for one in findings], FINDING_FIELDS, '')}\n{words}"
