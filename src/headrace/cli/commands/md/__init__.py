"""``headrace md``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("status",))
def md_group() -> None:
    """Show simulations that were run in legs."""
