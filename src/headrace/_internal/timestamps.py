"""Times as the Globus services write them."""

from __future__ import annotations

from datetime import UTC, datetime


def format_timestamp(seconds: float) -> str:
    """Write seconds since 1970 as the services do: UTC, microseconds, an offset."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="microseconds")
