"""``headrace config``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("show", "schema"))
def config_group() -> None:
    """Show the configuration and its schema."""
