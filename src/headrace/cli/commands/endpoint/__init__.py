"""``headrace endpoint``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(
    __name__,
    (
        *("list", "status", "setup", "create", "start", "stop", "restart"),
        *("drain", "undrain", "delete", "log", "monitor"),
    ),
)
def endpoint_group() -> None:
    """Manage Compute endpoints."""
