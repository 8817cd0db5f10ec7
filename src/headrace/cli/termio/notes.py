"""Lines for people beside the result."""

from __future__ import annotations

from headrace.cli.termio.terminal import one_line, style, write


def note(message: str) -> None:
    """Write a line for people to standard error."""
    write(style(one_line(message), dim=True), err=True)
