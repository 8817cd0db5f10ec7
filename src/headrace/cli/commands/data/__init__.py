"""``headrace data``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("look",))
def data_group() -> None:
    """Inspect data files before a run uses them."""
