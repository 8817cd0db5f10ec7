"""``headrace function``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("list", "show", "run"))
def function_group() -> None:
    """List, show and call compute functions."""
