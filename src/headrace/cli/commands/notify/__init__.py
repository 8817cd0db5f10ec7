"""``headrace notify``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("test", "list", "pair", "unpair", "listen"))
def notify_group() -> None:
    """Try and list notifications; pair a phone, and listen to its answers."""
