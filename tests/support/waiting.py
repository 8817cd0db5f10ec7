"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T | None], what: str, timeout: float = 120.0, interval: float = 0.02
) -> T:
    """Returns the condition's first true value; fails when there is none in time.

    Args:
        condition: what is asked.
        what: names it in the failure.
        timeout: seconds.
        interval: seconds between two questions; longer where a question costs much.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:.0f} s for {what}")
        time.sleep(interval)
