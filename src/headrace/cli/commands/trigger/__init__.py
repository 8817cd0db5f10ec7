"""``headrace trigger``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("list", "check", "arrivals", "retry"))
def trigger_group() -> None:
    """List and check triggers, and show their arrivals."""
