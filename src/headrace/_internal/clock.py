"""Times as the services write them, and a clock that nobody sets back."""

from __future__ import annotations

import time

from headrace._internal.timestamps import format_timestamp

# Unlike time.monotonic() it goes on while a laptop sleeps.
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def now() -> str:
    """Return the present time, such as ``2023-04-11T20:01:18.040416+00:00``."""
    return format_timestamp(time.time())


def elapsed() -> float:
    """Return seconds since some moment, by a clock that only goes forward."""
    return time.monotonic() if _ELAPSED is None else time.clock_gettime(_ELAPSED)
