"""``headrace flow``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("list", "new", "check", "draw"))
def flow_group() -> None:
    """List, create, check and draw flows."""
