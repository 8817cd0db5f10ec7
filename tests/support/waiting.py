"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T | None],
    what: str,
    timeout: float = 120.0,
    interval: float | None = None,
) -> T:
    """Returns the condition's first true value; fails when there is none in time.

    Args:
        condition: what is asked.
        what: names it in the failure.
        timeout: seconds.
        interval: seconds between two questions; by default so long that questions take a tenth of
            the time at the most, for what is waited for needs the processor.
    """
    deadline = time.monotonic() + timeout
    while True:
        asked = time.monotonic()
        value = condition()
        if value:
            return value
        answered = time.monotonic()
        if answered > deadline:
            raise AssertionError(f"waited {timeout:.0f} s for {what}")
        time.sleep(min(max(0.02, 10 * (answered - asked)), 0.5) if interval is None else interval)
