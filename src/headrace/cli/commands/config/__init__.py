"""``headrace config``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("show", "check", "keys", "schema"))
def config_group() -> None:
    """Show the settings, and check the TOML files that they are in."""
