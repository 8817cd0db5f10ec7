"""``headrace trigger``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("list", "check", "arrivals", "retry"))
def trigger_group() -> None:
    """Triggers: list and check them, see what has arrived."""
