"""``headrace trigger``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(
    __name__,
    (
        *("list", "check", "test", "arrivals"),
        *("run", "skip", "retry", "replay", "pause", "resume"),
    ),
)
def trigger_group() -> None:
    """Check and steer triggers and their arrivals."""
