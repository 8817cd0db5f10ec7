"""``headrace flow``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("list", "check", "draw"))
def flow_group() -> None:
    """List, check and draw flows."""
