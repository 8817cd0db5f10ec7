"""Lines for people beside the result."""

from __future__ import annotations

import click


def note(message: str) -> None:
    """Writes a line for people to standard error."""
    click.echo(click.style(message, dim=True), err=True)
