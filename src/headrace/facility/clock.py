"""Times as the services write them: UTC, with microseconds and an offset."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> str:
    """Returns the present time, such as ``2023-04-11T20:01:18.040416+00:00``."""
    return format_time(time.time())


def format_time(seconds: float) -> str:
    """Writes seconds since 1970 as the services do."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="microseconds")
